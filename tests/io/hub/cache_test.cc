#include "gemtune/io/hub/cache.h"

#include <gmock/gmock.h>

#include <fstream>

#include "tests/support/hub_environment.h"
#include "tests/support/message_of.h"

namespace gemtune::io::hub {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kSomeCommit = "0123456789abcdef0123456789abcdef01234567";

class HubCache : public test::HubEnvironment {
 protected:
  HubCache() { Set("HF_HUB_CACHE", cache_.string()); }

  // Puts a file into the cache, as fetching does.
  void Put(const std::string& repo, const std::string& file, const std::string& revision = "main") {
    const RepoCache cache(cache_, repo);
    fs::create_directories(cache.Blob("etag").parent_path());
    std::ofstream(cache.Blob("etag")) << "contents";
    cache.Link(kSomeCommit, file, "etag");
    cache.SetRef(revision, kSomeCommit);
  }

  const fs::path cache_ = dir_ / "hub";
};

// What validate_repo_id of huggingface_hub takes and refuses.
TEST(RepoName, IsReadAsHuggingFaceDoes) {
  for (const char* id : {"google/gemma-3-270m", "gpt2", "a/b", "Owner_1/x.y-z", "a"}) {
    ASSERT_TRUE(ParseRepoName(id)) << id;
    EXPECT_EQ(ParseRepoName(id)->str(), id);
  }
  for (const char* id : {"", "/", "a/", "/a", "a/b/c", "a//b", "../a", "a/..", "./a", "a--b", "a/b.git",
                         "-a/b", "a/b.", "a b", "a/b@", "a/b@..", "a/b@x@y", "\xc3\xa4/b", "a\n/b"})
    EXPECT_FALSE(ParseRepoName(id)) << id;
  EXPECT_FALSE(ParseRepoName(std::string(97, 'a')));
  EXPECT_EQ(ParseRepoName("a/b@refs/pr/1")->revision, "refs/pr/1");
  EXPECT_EQ(ParseRepoName("a/b@main")->str(), "a/b");
  EXPECT_EQ(ParseRepoName("a/b@v1")->str(), "a/b@v1");
}

TEST(SafeFileName, LeadsNowhereElse) {
  for (const char* name : {"a", "a/b.c", ".hidden", "a..b", "\xc3\xa4", "a b"})
    EXPECT_TRUE(IsSafeFileName(name)) << name;
  for (const std::string& name :
       {std::string(), std::string(".."), std::string("../a"), std::string("a/../b"), std::string("/a"),
        std::string("a/"), std::string("a//b"), std::string("./a"), std::string("a\\b"), std::string("a\nb"),
        std::string("a\0b", 3), std::string(256, 'a'), std::string(2000, '/')})
    EXPECT_FALSE(IsSafeFileName(name)) << name;
}

TEST_F(HubCache, ANameIsOneUnlessAPathOfItIsThere) {
  ASSERT_TRUE(NameOnHub("a/b@v1"));
  EXPECT_EQ(NameOnHub("a/b@v1")->str(), "a/b@v1");
  EXPECT_FALSE(NameOnHub("/a/b"));
  EXPECT_FALSE(NameOnHub(dir_));
  const fs::path before = fs::current_path();
  fs::create_directories(dir_ / "a" / "b");
  fs::current_path(dir_);
  const bool is_name = NameOnHub("a/b").has_value();
  fs::current_path(before);
  EXPECT_FALSE(is_name);
}

TEST_F(HubCache, TheLayoutIsHuggingFaces) {
  Put("google/gemma", "sub/config.json", "refs/pr/1");
  const fs::path folder = cache_ / "models--google--gemma";
  const fs::path link = folder / "snapshots" / kSomeCommit / "sub/config.json";
  EXPECT_EQ(fs::read_symlink(link), "../../../blobs/etag");
  EXPECT_TRUE(fs::is_regular_file(link));
  EXPECT_TRUE(fs::is_regular_file(folder / "refs/refs/pr/1"));
  EXPECT_EQ(RepoCache(cache_, "google/gemma").Lock("etag"),
            cache_ / ".locks/models--google--gemma/etag.lock");
  EXPECT_EQ(RepoCache(cache_, "gpt2").Blob("e"), cache_ / "models--gpt2/blobs/e");
}

TEST_F(HubCache, ALinkIsReplaced) {
  Put("a/b", "config.json");
  const RepoCache cache(cache_, "a/b");
  std::ofstream(cache.Blob("new")) << "new";
  cache.Link(kSomeCommit, "config.json", "new");
  EXPECT_EQ(fs::read_symlink(cache.Snapshot(kSomeCommit) / "config.json"), "../../blobs/new");
}

TEST_F(HubCache, FindsAModelByRevisionOrCommit) {
  Put("a/b", "config.json", "v1");
  const RepoCache cache(cache_, "a/b");
  EXPECT_EQ(cache.Find("v1"), cache.Snapshot(kSomeCommit));
  EXPECT_EQ(cache.Find(kSomeCommit), cache.Snapshot(kSomeCommit));
  EXPECT_EQ(cache.Find("main"), std::nullopt);
  EXPECT_EQ(FindModel("a/b@v1"), cache.Snapshot(kSomeCommit));
}

TEST_F(HubCache, ARefThatLeadsElsewhereIsNone) {
  Put("a/b", "config.json");
  for (const char* text : {"..", "../..", "", "/", "unknown"}) {
    std::ofstream(cache_ / "models--a--b/refs/main") << text;
    EXPECT_EQ(LookUpModel("a/b"), std::nullopt) << text;
  }
  std::ofstream(cache_ / "models--a--b/refs/main") << kSomeCommit << "\n";
  EXPECT_NE(LookUpModel("a/b"), std::nullopt);
}

TEST_F(HubCache, ASnapshotWithOneGgufIsThatFile) {
  Put("a/b-gguf", "mmproj-f16.gguf");
  Put("a/b-gguf", "model-Q8_0.gguf");
  EXPECT_EQ(FindModel("a/b-gguf").filename(), "model-Q8_0.gguf");
  Put("a/b-gguf", "model-Q4_0.gguf");
  EXPECT_EQ(FindModel("a/b-gguf").filename(), kSomeCommit);
  Put("a/both", "model.gguf");
  Put("a/both", "model.safetensors");
  EXPECT_EQ(FindModel("a/both").filename(), kSomeCommit);
}

TEST_F(HubCache, APathComesFirstAndStaysAsItIs) {
  Put("a/b", "config.json");
  const fs::path before = fs::current_path();
  fs::create_directories(dir_ / "a/b");
  fs::current_path(dir_);
  EXPECT_EQ(FindModel("a/b"), "a/b");
  fs::current_path(before);
  for (const char* path :
       {"", "no-such-file", "/no/such/file", "./a/b", "x/y/z", "models/gemma.gguf", "a/tokenizer.json"})
    EXPECT_EQ(FindModel(path), path);
}

TEST_F(HubCache, ANameThatIsNeitherSaysHowToFetchIt) {
  const std::string message = test::MessageOf([] { FindModel("google/gemma-3-270m@v1"); });
  EXPECT_THAT(
      message,
      HasSubstr("google/gemma-3-270m@v1: there is no such file or directory, and no model of this name"));
  EXPECT_THAT(message, HasSubstr("gemtune fetch google/gemma-3-270m@v1"));
  EXPECT_THAT(message, HasSubstr(cache_.string()));
  EXPECT_EQ(LookUpModel("google/gemma-3-270m"), std::nullopt);
}

}  // namespace
}  // namespace gemtune::io::hub
