#include "gemtune/train/report/assets.h"

// The assembler puts the files in as they are.
#define GEMTUNE_ASSET(name, file)                                                                        \
  __asm__(".section .rodata\n.balign 16\n.global gemtune_" #name "\n.hidden gemtune_" #name              \
          "\ngemtune_" #name ":\n.incbin \"" GEMTUNE_REPORT_ASSETS "/" file "\"\n.global gemtune_" #name \
          "_end\n.hidden gemtune_" #name "_end\ngemtune_" #name "_end:\n.previous\n");                   \
  extern "C" const char gemtune_##name[], gemtune_##name##_end[]

GEMTUNE_ASSET(page, "page.html");
GEMTUNE_ASSET(chart, "chart.js");

namespace gemtune::train {

std::string_view PageTemplate() {
  return {gemtune_page, gemtune_page_end};
}

std::string_view ChartLibrary() {
  return {gemtune_chart, gemtune_chart_end};
}

}  // namespace gemtune::train
