#include "gemtune/model/checkpointed.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <utility>

namespace gemtune::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct CheckpointedLayer : torch::CustomClassHolder {
  CheckpointedLayer(std::function<at::Tensor(const at::Tensor&)> function, std::vector<at::Tensor> tensors)
      : run(std::move(function)), parameters(std::move(tensors)) {}

  std::function<at::Tensor(const at::Tensor&)> run;
  std::vector<at::Tensor> parameters;
};

struct CheckpointedFunction : torch::autograd::Function<CheckpointedFunction> {
  // `parameters` are separate arguments, so that the graph reaches them.
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, at::TensorList /*parameters*/,
                            const c10::intrusive_ptr<CheckpointedLayer>& layer) {
    ctx->save_for_backward({x});
    ctx->saved_data["layer"] = c10::IValue::make_capsule(layer);
    return layer->run(x);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& grads) {
    const auto capsule = ctx->saved_data["layer"].toCapsule();
    const auto& layer = static_cast<const CheckpointedLayer&>(*capsule);
    variable_list inputs = {ctx->get_saved_variables()[0].detach()};
    inputs.front().requires_grad_(ctx->needs_input_grad(0));
    inputs.insert(inputs.end(), layer.parameters.begin(), layer.parameters.end());
    variable_list wanted;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (ctx->needs_input_grad(i)) wanted.push_back(inputs[i]);
    }
    at::Tensor y;
    {
      const at::AutoGradMode with_graph(true);
      y = layer.run(inputs.front());
    }
    const variable_list found =
        torch::autograd::grad({y}, wanted, grads, /*retain_graph=*/std::nullopt, /*create_graph=*/false,
                              /*allow_unused=*/true);
    variable_list result(inputs.size() + 1);  // no gradient for `layer`
    auto next = found.begin();
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (ctx->needs_input_grad(i)) result[i] = *next++;
    }
    return result;
  }
};

}  // namespace

at::Tensor Checkpointed(std::function<at::Tensor(const at::Tensor&)> layer,
                        const std::vector<at::Tensor>& parameters, const at::Tensor& x) {
  return CheckpointedFunction::apply(x, at::TensorList(parameters),
                                     c10::make_intrusive<CheckpointedLayer>(std::move(layer), parameters));
}

}  // namespace gemtune::model
