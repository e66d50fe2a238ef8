#pragma once

#include <string_view>

namespace gemtune::train {

/// page.html and chart.js (Chart.js 3.9.1, CHART_LICENSE), which are part of the program.
std::string_view PageTemplate();
std::string_view ChartLibrary();

}  // namespace gemtune::train
