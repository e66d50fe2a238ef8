#include "gemtune/io/hub/settings.h"

#include <gmock/gmock.h>

#include <fstream>

#include "tests/support/hub_environment.h"
#include "tests/support/message_of.h"

namespace gemtune::io::hub {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class HubSettings : public test::HubEnvironment {};

// The order of huggingface_hub/constants.py.
TEST_F(HubSettings, TheCacheIsWhereHuggingFaceHasIt) {
  EXPECT_EQ(CacheDirectory(), dir_ / ".cache/huggingface/hub");
  Set("XDG_CACHE_HOME", "/xdg");
  EXPECT_EQ(CacheDirectory(), "/xdg/huggingface/hub");
  Set("HF_HOME", "~/hf");
  EXPECT_EQ(CacheDirectory(), dir_ / "hf/hub");
  Set("HUGGINGFACE_HUB_CACHE", "/old");
  EXPECT_EQ(CacheDirectory(), "/old");
  Set("HF_HUB_CACHE", "/new");
  EXPECT_EQ(CacheDirectory(), "/new");
}

TEST_F(HubSettings, WithoutAHomeItIsTheUsersOfTheSystem) {
  ::unsetenv("HOME");
  EXPECT_TRUE(CacheDirectory().is_absolute() || CacheDirectory().empty());
}

TEST_F(HubSettings, TheDefaults) {
  const Settings settings = SettingsFromEnvironment();
  EXPECT_EQ(settings.endpoint, "https://huggingface.co");
  EXPECT_EQ(settings.token, "");
  EXPECT_EQ(settings.ca_bundle, "");
  EXPECT_EQ(settings.timeout.count(), 30);
  EXPECT_FALSE(settings.is_offline);
}

TEST_F(HubSettings, TheToken) {
  std::filesystem::create_directories(dir_ / ".cache/huggingface");
  std::ofstream(dir_ / ".cache/huggingface/token") << "hf_file\n";
  EXPECT_EQ(SettingsFromEnvironment().token, "hf_file");
  EXPECT_EQ(SettingsFromEnvironment().token_place, (dir_ / ".cache/huggingface/token").string());
  std::ofstream(dir_ / "other") << " hf_other ";
  Set("HF_TOKEN_PATH", (dir_ / "other").string());
  EXPECT_EQ(SettingsFromEnvironment().token, "hf_other");
  Set("HF_TOKEN", "hf_variable\n");
  EXPECT_EQ(SettingsFromEnvironment().token, "hf_variable");
  EXPECT_EQ(SettingsFromEnvironment().token_place, "HF_TOKEN");
}

TEST_F(HubSettings, ATokenThatIsNoneIsRefusedWithoutBeingShown) {
  for (const char* token : {"hf_x\r\nHost: evil", "two words", "hf_\xc3\xa4"}) {
    Set("HF_TOKEN", token);
    EXPECT_THAT(
        test::MessageOf([] { SettingsFromEnvironment(); }),
        AllOf(HasSubstr("HF_TOKEN: is not a token"), Not(HasSubstr("evil")), Not(HasSubstr("words"))));
  }
}

TEST_F(HubSettings, OtherVariables) {
  Set("HF_ENDPOINT", "https://mirror.example/hub//");
  Set("SSL_CERT_FILE", "/certificates.pem");
  Set("HF_HUB_DOWNLOAD_TIMEOUT", "7");
  for (const char* yes : {"1", "on", "True", "YES"}) {
    Set("HF_HUB_OFFLINE", yes);
    EXPECT_TRUE(SettingsFromEnvironment().is_offline) << yes;
  }
  Set("HF_HUB_OFFLINE", "0");
  const Settings settings = SettingsFromEnvironment();
  EXPECT_FALSE(settings.is_offline);
  EXPECT_EQ(settings.endpoint, "https://mirror.example/hub");
  EXPECT_EQ(settings.ca_bundle, "/certificates.pem");
  EXPECT_EQ(settings.timeout.count(), 7);
}

TEST_F(HubSettings, WhatCannotBeMeant) {
  for (const char* seconds : {"0", "-1", "1.5", "soon", "1e9", "99999999999999999999"}) {
    Set("HF_HUB_DOWNLOAD_TIMEOUT", seconds);
    EXPECT_THAT(test::MessageOf([] { SettingsFromEnvironment(); }), HasSubstr("HF_HUB_DOWNLOAD_TIMEOUT"))
        << seconds;
  }
  ::unsetenv("HF_HUB_DOWNLOAD_TIMEOUT");
  for (const char* endpoint : {"nonsense", "huggingface.co", "ftp://x"}) {
    Set("HF_ENDPOINT", endpoint);
    EXPECT_THAT(test::MessageOf([] { SettingsFromEnvironment(); }), HasSubstr("HF_ENDPOINT")) << endpoint;
  }
}

}  // namespace
}  // namespace gemtune::io::hub
