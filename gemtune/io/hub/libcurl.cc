#include "gemtune/io/hub/libcurl.h"

#include <dlfcn.h>

#include <string>

#include "gemtune/base/error.h"

namespace gemtune::io::hub {
namespace {

// The build with OpenSSL, and Debian's with GnuTLS, which git brings along. Both have the same functions.
void* OpenLibCurl() {
  std::string why;
  for (const char* name : {"libcurl.so.4", "libcurl-gnutls.so.4"}) {
    if (void* const library = ::dlopen(name, RTLD_NOW | RTLD_LOCAL)) return library;
    if (why.empty()) why = ::dlerror();
  }
  Fail(
      "the hub is reached through libcurl, which cannot be loaded ({}); install it: the package libcurl4, in "
      "other distributions libcurl",
      Printable(why, 200));
}

template <typename Function>
void Take(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  if (function == nullptr)
    Fail("libcurl has no function {}: it is older than 7.66; install a newer one", name);
}

LibCurl Functions() {
  void* const library = OpenLibCurl();
  LibCurl curl = {};
  Take(library, "curl_global_init", curl.global_init);
  Take(library, "curl_easy_init", curl.easy_init);
  Take(library, "curl_easy_cleanup", curl.easy_cleanup);
  Take(library, "curl_easy_reset", curl.easy_reset);
  Take(library, "curl_easy_setopt", curl.easy_setopt);
  Take(library, "curl_easy_getinfo", curl.easy_getinfo);
  Take(library, "curl_easy_perform", curl.easy_perform);
  Take(library, "curl_easy_strerror", curl.easy_strerror);
  Take(library, "curl_slist_append", curl.slist_append);
  Take(library, "curl_slist_free_all", curl.slist_free_all);
  Take(library, "curl_url", curl.url);
  Take(library, "curl_url_cleanup", curl.url_cleanup);
  Take(library, "curl_url_get", curl.url_get);
  Take(library, "curl_url_set", curl.url_set);
  Take(library, "curl_free", curl.free);
  if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) Fail("libcurl cannot be initialised");
  return curl;
}

}  // namespace

const LibCurl& LoadLibCurl() {
  static const LibCurl curl = Functions();
  return curl;
}

}  // namespace gemtune::io::hub
