#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <string>
#include <vector>

#include "gemtune/ops/adamw_step.h"
#include "gemtune/train/optim/row_adamw.h"
#include "gemtune/train/optim/tensor_file.h"

namespace gemtune::train {

/// AdamW (Loshchilov & Hutter 2019, algorithm 2): equals torch.optim.AdamW on fp32 parameters. A bf16
/// parameter has an fp32 master copy, which is updated and then rounded into the parameter; bf16 alone would
/// lose steps smaller than 1/256 of a weight.
class AdamW {
 public:
  /// Optimises every parameter of `module` that requires a gradient. Parameters named in `sparse_gradients`,
  /// whose gradients may be sparse rows, are handled by RowAdamW.
  AdamW(const torch::nn::Module& module, const AdamWOptions& options,
        const std::vector<std::string>& sparse_gradients = {});

  /// L2 norm over all gradients. Parameters without a gradient count as zero.
  double GradNorm() const;

  /// One step at `learning_rate` with gradients times `grad_scale` (the clipping factor). Parameters without
  /// a gradient stay as they are.
  void Step(double learning_rate, double grad_scale);

  void ZeroGrad();

  /// RowAdamW's rows are brought up to date only when they are needed: those of a batch before its forward
  /// pass, ...
  void CatchUp(const at::Tensor& ids);

  /// ... and all of them before anything else reads the model.
  void CatchUpAll();

  int64_t num_parameters() const;

  /// The whole state besides the parameters: moments, fp32 masters of bf16 parameters, steps; named after the
  /// parameters ("score.weight.exp_avg"). The tensors are views, valid until the next step.
  std::vector<NamedTensor> State() const;

  /// Restores `tensors`, saved from State; the caller restores the parameters. Throws Error for a tensor that
  /// is missing or does not fit.
  void SetState(const TensorFile& tensors);

 private:
  struct Slot {
    std::string name;
    ops::AdamWTensors tensors;
    AdamWOptions options;
  };

  struct ByRows {
    std::string name;
    RowAdamW adamw;
  };
  static std::vector<NamedTensor> Kept(const Slot& slot);

  std::vector<Slot> slots_;
  std::vector<ByRows> by_rows_;
  int64_t step_ = 0;
};

}  // namespace gemtune::train
