#include "gemtune/infer/generate.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "gemtune/base/error.h"
#include "gemtune/base/parallel.h"
#include "gemtune/infer/answer_text.h"
#include "gemtune/ops/host_memory.h"

namespace gemtune::infer {
namespace {

// A prompt in work.
struct Running {
  int64_t prompt;
  std::vector<int32_t> ids;  // prompt and what was generated; sequence->ids are those that the cache has seen
  size_t prompt_size;
  CachedSequence* sequence;
  bool is_pooled;
  AnswerText text;
  Generation result = {};
  bool is_done = false;

  int64_t unseen() const { return std::ssize(ids) - std::ssize(sequence->ids); }
  int64_t num_generated() const { return std::ssize(ids) - static_cast<int64_t>(prompt_size); }
};

void Check(const model::PretrainedCausalLm& model, std::span<const Prompt> prompts,
           const GenerateOptions& options) {
  CheckSampling(options.sampling);
  if (options.max_new_tokens < 1)
    Fail("`max_new_tokens` is {}; it must be at least 1", options.max_new_tokens);
  for (const std::string& stop : options.stops) {
    if (stop.empty()) Fail("`stop` has an empty string, which stands everywhere; leave it out");
  }
  GEMTUNE_CHECK(options.max_sequences > 0 && options.max_tokens_per_pass > 0);
  const int64_t most = model.config.max_position_embeddings;
  for (size_t i = 0; i < prompts.size(); ++i) {
    const auto size = std::ssize(prompts[i].ids);
    if (size == 0) Fail("prompt {}: is empty, without even a <bos>", i + 1);
    if (size >= most)
      Fail("prompt {}: has {} tokens; the model has room for {} and an answer", i + 1, size, most - 1);
    for (const int32_t id : prompts[i].ids) {
      if (id < 0 || id >= model.config.vocab_size)
        Fail("prompt {}: the tokenizer gives token {}, but the model has only {}", i + 1, id,
             model.config.vocab_size);
    }
  }
}

class Batch {
 public:
  Batch(model::PretrainedCausalLm& model, std::span<const Prompt> prompts, const GenerateOptions& options,
        const GenerateObserver& observer)
      : model_(model), prompts_(prompts), options_(options), observer_(observer) {}

  void Run() {
    model_.model->eval();
    while (Admit()) {
      const bool cancel = observer_.should_cancel && observer_.should_cancel();
      if (cancel) {
        for (const auto& sequence : running_) End(*sequence, FinishReason::kCancelled);
        next_ = std::ssize(prompts_);
      } else {
        Pass();
      }
      RemoveDone();
    }
  }

 private:
  // Fills free places; false if nothing is left to do.
  bool Admit() {
    for (; next_ < std::ssize(prompts_) && std::ssize(running_) < options_.max_sequences; ++next_) {
      const Prompt& prompt = prompts_[static_cast<size_t>(next_)];
      CachedSequence& sequence = prompt.sequence != nullptr ? *prompt.sequence : pool_.Take();
      sequence.KeepBeginningOf(prompt.ids);
      running_.push_back(
          std::make_unique<Running>(Running{.prompt = next_,
                                            .ids = prompt.ids,
                                            .prompt_size = prompt.ids.size(),
                                            .sequence = &sequence,
                                            .is_pooled = prompt.sequence == nullptr,
                                            .text = AnswerText(model_.tokenizer, options_.stops)}));
    }
    return !running_.empty();
  }

  // Prompts that are not yet seen as a whole, as many of their tokens as a pass takes; without such, one new
  // token of each sequence. (A prompt may lack a single token, too, and is then like the others.)
  void Pass() {
    const bool reads_prompts =
        std::ranges::any_of(running_, [](const auto& sequence) { return sequence->num_generated() == 0; });
    std::vector<Running*> taken;
    std::vector<int64_t> counts;
    int64_t room = options_.max_tokens_per_pass;
    for (const auto& sequence : running_) {
      if (reads_prompts != (sequence->num_generated() == 0)) continue;
      const int64_t count = reads_prompts ? std::min(sequence->unseen(), room) : 1;
      if (count == 0) break;
      taken.push_back(sequence.get());
      counts.push_back(count);
      room -= count;
    }
    const at::Tensor hidden = Forward(taken, counts);
    std::vector<Running*> ready;
    for (Running* sequence : taken) {
      if (sequence->unseen() == 0) ready.push_back(sequence);
    }
    if (!ready.empty()) Choose(ready, model_.model->Logits(hidden));
  }

  // Hidden states of the last token of each sequence that is then seen as a whole.
  at::Tensor Forward(const std::vector<Running*>& taken, const std::vector<int64_t>& counts) {
    std::vector<int64_t> ids, begins, rows;
    std::vector<int32_t> cu_seqlens = {0};
    std::vector<model::KvCache*> caches;
    for (size_t i = 0; i < taken.size(); ++i) {
      CachedSequence& sequence = *taken[i]->sequence;
      const auto begin = taken[i]->ids.begin() + std::ssize(sequence.ids), end = begin + counts[i];
      begins.push_back(std::ssize(sequence.ids));
      ids.insert(ids.end(), begin, end);
      sequence.ids.insert(sequence.ids.end(), begin, end);
      cu_seqlens.push_back(static_cast<int32_t>(ids.size()));
      caches.push_back(&sequence.layers);
      if (taken[i]->unseen() == 0) rows.push_back(std::ssize(ids) - 1);
    }
    const auto device = model_.trunk()->embed_tokens()->weight.device();
    ops::PackedLayout layout = ops::PackedLayout::Continued(std::move(cu_seqlens), std::move(begins), device);
    if (std::ssize(rows) < layout.num_tokens()) layout = layout.WithRows(rows);
    return model_.model->Continue(at::tensor(ids, at::kLong), layout, caches);
  }

  bool IsTooShort(const Running& sequence) const {
    return sequence.num_generated() < options_.min_new_tokens;
  }

  // What is looked at to choose a token: the scores of all, or of some by ascending id.
  struct Scores {
    at::Tensor scores;  // [sequences, tokens] fp32, on the host
    at::Tensor ids;     // the same, int64; undefined: all of the vocabulary
  };

  // From a card's memory only the tokens that can be chosen are fetched, of 262,144. (More than top_k:
  // several may be equal to the last one.)
  Scores Fetch(const std::vector<Running*>& ready, const at::Tensor& logits) const {
    const SamplingOptions& sampling = options_.sampling;
    const bool some_suffice = ops::IsOnCard(logits) && sampling.repetition_penalty == 1 &&
                              (!sampling.do_sample || sampling.top_k > 0);
    if (!some_suffice) return {.scores = logits.to(ops::Host(), at::kFloat).contiguous(), .ids = {}};
    const at::Tensor allowed = WithoutBanned(ready, logits);
    const int64_t count = std::min(2 * sampling.top_k + 64, allowed.size(1));
    const at::Tensor ids = sampling.do_sample ? std::get<0>(std::get<1>(allowed.topk(count, 1)).sort(1))
                                              : allowed.argmax(1, /*keepdim=*/true);
    return {.scores = allowed.gather(1, ids).to(ops::Host(), at::kFloat).contiguous(),
            .ids = ids.to(ops::Host()).contiguous()};
  }

  // -inf for the ends of sequences that are too short.
  at::Tensor WithoutBanned(const std::vector<Running*>& ready, const at::Tensor& logits) const {
    std::vector<int64_t> rows;
    for (size_t i = 0; i < ready.size(); ++i) {
      if (IsTooShort(*ready[i])) rows.push_back(static_cast<int64_t>(i));
    }
    if (rows.empty() || options_.eos_token_ids.empty()) return logits;
    const std::vector<int64_t> ends(options_.eos_token_ids.begin(), options_.eos_token_ids.end());
    const at::Tensor row = ops::UploadNumbers(rows, logits.device()).unsqueeze(1),
                     end = ops::UploadNumbers(ends, logits.device()).unsqueeze(0);
    const at::Tensor never = at::full({}, -std::numeric_limits<double>::infinity(), logits.options());
    return logits.index_put({row, end}, never);
  }

  void Choose(const std::vector<Running*>& ready, const at::Tensor& logits) {
    const Scores fetched = Fetch(ready, logits);
    const at::Tensor &scores = fetched.scores, &ids = fetched.ids;
    const std::span<float> all = ops::HostValues<float>(scores);
    const auto width = static_cast<size_t>(scores.size(1));
    std::vector<int32_t> chosen(ready.size());
    ParallelForEach(std::ssize(ready), [&](int64_t i) {
      const auto index = static_cast<size_t>(i);
      const Running& sequence = *ready[index];
      chosen[index] =
          ChooseToken(all.subspan(index * width, width), options_.sampling,
                      {.context = sequence.ids,
                       .sequence = static_cast<uint64_t>(sequence.prompt),
                       .position = sequence.ids.size(),
                       .banned = IsTooShort(sequence) && !ids.defined() ? options_.eos_token_ids
                                                                        : std::span<const int32_t>()});
    });
    if (ids.defined()) {
      const std::span<const int64_t> tokens = ops::HostValues<const int64_t>(ids);
      for (size_t i = 0; i < chosen.size(); ++i)
        chosen[i] = static_cast<int32_t>(tokens[i * width + static_cast<size_t>(chosen[i])]);
    }
    for (size_t i = 0; i < ready.size(); ++i) Append(*ready[i], chosen[i]);
  }

  void Append(Running& sequence, int32_t id) {
    sequence.ids.push_back(id);
    Tell(sequence, sequence.text.Add(id));
    const bool is_end = sequence.text.is_stopped() ||
                        std::ranges::find(options_.eos_token_ids, id) != options_.eos_token_ids.end();
    if (is_end) return End(sequence, FinishReason::kStop);
    if (sequence.num_generated() >= options_.max_new_tokens ||
        std::ssize(sequence.ids) >= model_.config.max_position_embeddings)
      End(sequence, FinishReason::kLength);
  }

  void End(Running& sequence, FinishReason reason) {
    Tell(sequence, sequence.text.Finish());
    if (sequence.text.is_stopped()) reason = FinishReason::kStop;
    sequence.result.ids.assign(sequence.ids.begin() + static_cast<std::ptrdiff_t>(sequence.prompt_size),
                               sequence.ids.end());
    sequence.result.text = sequence.text.text();
    sequence.result.reason = reason;
    sequence.is_done = true;
    if (observer_.on_done) observer_.on_done(sequence.prompt, sequence.result);
  }

  void Tell(const Running& sequence, const std::string& text) const {
    if (observer_.on_text && !text.empty()) observer_.on_text(sequence.prompt, text);
  }

  void RemoveDone() {
    std::erase_if(running_, [&](const auto& sequence) {
      if (sequence->is_done && sequence->is_pooled) pool_.GiveBack(*sequence->sequence);
      return sequence->is_done;
    });
  }

  model::PretrainedCausalLm& model_;
  std::span<const Prompt> prompts_;
  const GenerateOptions& options_;
  const GenerateObserver& observer_;
  KvCachePool pool_;
  std::vector<std::unique_ptr<Running>> running_;
  int64_t next_ = 0;  // prompt
};

}  // namespace

const char* Name(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kCancelled:
      return "cancelled";
  }
  return "";
}

void Generate(model::PretrainedCausalLm& model, std::span<const Prompt> prompts,
              const GenerateOptions& options, const GenerateObserver& observer) {
  Check(model, prompts, options);
  const c10::InferenceMode inference;  // for the products of few rows, see ops/matmul.h
  Batch(model, prompts, options, observer).Run();
}

}  // namespace gemtune::infer
