// The C++ classes: what they own they give back, and every call has a form that throws and one that does not.
#include "check.hpp"

#include <atomic>
#include <stdexcept>
#include <thread>
#include <type_traits>

template <typename T> constexpr bool moves_only()
{
    return std::is_nothrow_move_constructible_v<T> && !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T>;
}
static_assert(moves_only<etcd::Client>() && moves_only<etcd::Lock>() && moves_only<etcd::Subscription>());

static void keys_and_values(etcd::Client &client)
{
    auto kv = client.kv();
    const std::string bytes("a\0b", 3);
    CHECK(kv.put(bytes, bytes) > 0);
    CHECK(kv.get(bytes)->value == bytes && kv.get(bytes)->key == bytes);
    CHECK(kv.remove(bytes) == 1 && kv.remove(bytes) == 0 && !kv.get(bytes));
    const auto first = kv.put("/cpp/1", "one");
    kv.put("/cpp/1", "newer");
    kv.put("/cpp/2", "two");
    CHECK(kv.get("/cpp/1", {first, 5s})->value == "one");
    auto range = etcd::Range::prefix("/cpp/");
    range.limit = 1;
    const auto listing = kv.list(range);
    CHECK(listing.entries.size() == 1 && listing.entries[0].value == "newer" && listing.count == 2 && listing.more);
    range.limit = 0;
    range.order = etcd::Order::newest_created;
    range.content = etcd::Content::keys;
    const auto keys = kv.list(range, 5s);
    CHECK(keys.entries.size() == 2 && keys.entries[0].key == "/cpp/2" && keys.entries[0].value.empty());
    CHECK(kv.list(etcd::Range::between("/cpp/1", "/cpp/2")).entries.size() == 1);
    CHECK(client.key({"a/", "", "b"}) == "/go-core/a/b" && client.prefix() == "/go-core");
    CHECK(thrown_by([&] { kv.get(""); }) == GOCORE_ETCD_STATUS_INVALID_ARGUMENT);
    CHECK(thrown_by([&] { kv.put("k", "v", {77, 0ms}); }) == GOCORE_ETCD_STATUS_NOT_FOUND);
    etcd::Error error;
    CHECK(!kv.get("", {}, error) && error.status() == GOCORE_ETCD_STATUS_INVALID_ARGUMENT);
    CHECK(!kv.get("/absent", {}, error) && !error);
}

/// A text that C would take to end early is refused instead.
static void nul(etcd::Client &client)
{
    const std::string cut("job\0s", 5);
    etcd::Error error;
    CHECK(!client.lock(cut, {}, error) && error.status() == GOCORE_ETCD_STATUS_INVALID_ARGUMENT);
    CHECK(std::string(error.what()).find("key: ") != std::string::npos);
    CHECK(thrown_by([&] { client.try_lock(cut); }) == GOCORE_ETCD_STATUS_INVALID_ARGUMENT);
    CHECK(thrown_by([&] { client.key({cut}); }) == GOCORE_ETCD_STATUS_INVALID_ARGUMENT);
    etcd::Config config;
    config.endpoints = {"127.0.0.1:1"};
    config.password = cut;
    CHECK(!etcd::Client::connect(config, error));
    CHECK(std::string(error.what()).find("config.password: ") != std::string::npos);
}

static void locks(etcd::Client &client)
{
    etcd::LockOptions options;
    options.ttl = 10s;
    options.timeout = 100ms;
    {
        auto lock = client.lock("cpp");
        CHECK(lock.is_held() && lock.token() > 0 && lock.key() == "/go-core/locks/cpp");
        CHECK(!client.try_lock("cpp"));
        CHECK(thrown_by([&] { client.lock("cpp", options); }) == GOCORE_ETCD_STATUS_DEADLINE_EXCEEDED);
        etcd::Error error;
        CHECK(!lock.wait_lost(10ms, nullptr, error) && !error);
        CHECK(lock.put("/cpp/guarded", "v") > lock.token());
    }
    // The one before was given back by its destructor, in the background.
    options.timeout = 20s;
    auto lock = client.lock("cpp", options);
    Counter calls;
    const auto good = lock.on_lost([&, moves_only = std::make_unique<int>(1)] { calls.add(); });
    const auto bad = lock.on_lost([&] {
        calls.add();
        throw std::runtime_error("what a handler throws goes no further");
    });
    auto moved = std::move(lock);
    CHECK(!lock.is_held() && lock.key().empty() && moved.is_held());
    CHECK(thrown_by([&] { lock.unlock(); }) == GOCORE_ETCD_STATUS_INVALID_ARGUMENT);
    lose(client, moved);
    calls.until(2);
    CHECK(thrown_by([&] { moved.put("/cpp/guarded", "v"); }) == GOCORE_ETCD_STATUS_LOST);
}

static void subscriptions_wait(etcd::Client &client)
{
    auto lock = client.lock("cpp/wait");
    Counter began;
    std::atomic<bool> ended{false};
    const auto held = std::make_shared<int>(7);
    {
        const auto subscription = lock.on_lost([&, held] {
            began.add();
            std::this_thread::sleep_for(300ms);
            ended = true;
        });
        lose(client, lock);
        began.until(1);
    }
    CHECK(ended && held.use_count() == 1);

    // Inside of a handler it does not wait for itself.
    lock = client.lock("cpp/wait");
    auto own = std::make_shared<etcd::Subscription>();
    Counter done;
    *own = lock.on_lost([&, own] {
        *own = etcd::Subscription();
        done.add();
    });
    lose(client, lock);
    done.until(1);
}

/// A handler of the log may throw at every record: it hears the next one all the same.
static void the_log(char **argv)
{
    Counter heard;
    const auto subscription = etcd::subscribe_log(etcd::LogLevel::info, [&](const etcd::LogRecord &record) {
        CHECK(record.level <= etcd::LogLevel::info && record.target.substr(0, 11) == "gocore_etcd");
        if (record.message.substr(0, 9) == "connected")
            heard.add();
        throw 7;
    });
    etcd::Client::connect(config_of(argv)).close();
    heard.until(1);
    etcd::Client::connect(config_of(argv)).close();
    heard.until(2);
}

static void cancelling(etcd::Client &client)
{
    const auto held = client.lock("cpp/cancel");
    etcd::CancelToken token;
    etcd::LockOptions options;
    options.cancel = &token;
    std::thread canceller([&] {
        std::this_thread::sleep_for(100ms);
        token.cancel();
    });
    CHECK(thrown_by([&] { client.lock("cpp/cancel", options); }) == GOCORE_ETCD_STATUS_CANCELLED);
    canceller.join();
}

int main(int, char **argv)
{
    etcd::Config nowhere;
    CHECK(thrown_by([&] { etcd::Client::connect(nowhere); }) == GOCORE_ETCD_STATUS_INVALID_ARGUMENT);
    auto client = etcd::Client::connect(config_of(argv));
    CHECK(etcd::version() == gocore_etcd_version());
    keys_and_values(client);
    nul(client);
    the_log(argv);
    locks(client);
    subscriptions_wait(client);
    cancelling(client);
    client = etcd::Client::connect(config_of(argv));
    client.close();
    CHECK(thrown_by([&] { client.kv().get("k"); }) == GOCORE_ETCD_STATUS_CLOSED);
    return 0;
}
