// The C++ classes: what they own they give back, and every call has a form that throws and one that does not.
#include <gocore_etcd.hpp>

#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <thread>
#include <type_traits>

using namespace std::chrono_literals;
namespace etcd = gocore::etcd;

#define CHECK(holds)                                                                                                   \
    do {                                                                                                               \
        if (!(holds)) {                                                                                                \
            std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds);                            \
            std::exit(1);                                                                                              \
        }                                                                                                              \
    } while (0)

template <typename T> constexpr bool moves_only()
{
    return std::is_nothrow_move_constructible_v<T> && !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T>;
}
static_assert(moves_only<etcd::Client>() && moves_only<etcd::Lock>() && moves_only<etcd::Subscription>());

/// Somebody deletes the key under the lock, which so is lost.
static void lose(etcd::Client &client, etcd::Lock &lock)
{
    gocore_etcd_range_options below = GOCORE_ETCD_RANGE_OPTIONS_INIT;
    below.scope = GOCORE_ETCD_SCOPE_PREFIX;
    const std::string prefix = std::string(lock.key()) + "/";
    uint64_t deleted = 0;
    gocore_etcd_kv_delete(client.get(), prefix.data(), prefix.size(), &below, 0, &deleted, nullptr);
    CHECK(deleted == 1 && lock.wait_lost(20s));
}

static etcd::Client connect(char **argv)
{
    etcd::Config config;
    config.endpoints = {argv[1]};
    // Under memcheck everything takes fifty times as long.
    config.dial_timeout = 60s;
    return etcd::Client::connect(config);
}

template <typename Call> static gocore_etcd_status thrown_by(Call call)
{
    try {
        call();
    } catch (const etcd::Error &error) {
        CHECK(error && error.what()[0] != 0);
        return error.status();
    }
    return GOCORE_ETCD_STATUS_OK;
}

static void keys_and_values(etcd::Client &client)
{
    auto kv = client.kv();
    const std::string bytes("a\0b", 3);
    CHECK(kv.put(bytes, bytes) > 0);
    CHECK(kv.get(bytes)->value == bytes && kv.get(bytes)->key == bytes);
    CHECK(kv.remove(bytes) && !kv.remove(bytes) && !kv.get(bytes));
    kv.put("/cpp/1", "one");
    kv.put("/cpp/2", "two");
    const auto listing = kv.list("/cpp/", 1);
    CHECK(listing.entries.size() == 1 && listing.entries[0].value == "one" && listing.count == 2 && listing.more);
    CHECK(client.key({"a/", "", "b"}) == "/go-core/a/b" && client.prefix() == "/go-core");
    CHECK(thrown_by([&] { kv.get(""); }) == GOCORE_ETCD_STATUS_INVALID_ARGUMENT);
    etcd::Error error;
    CHECK(!kv.get("", error) && error.status() == GOCORE_ETCD_STATUS_INVALID_ARGUMENT);
    CHECK(!kv.get("/absent", error) && !error);
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
    std::atomic<int> calls{0};
    const auto good = lock.on_lost([&] { ++calls; });
    const auto bad = lock.on_lost([&] {
        ++calls;
        throw std::runtime_error("what a handler throws goes no further");
    });
    auto moved = std::move(lock);
    CHECK(!lock.is_held() && lock.key().empty() && moved.is_held());
    CHECK(thrown_by([&] { lock.unlock(); }) == GOCORE_ETCD_STATUS_INVALID_ARGUMENT);
    lose(client, moved);
    while (calls < 2)
        std::this_thread::sleep_for(1ms);
    CHECK(thrown_by([&] { moved.put("/cpp/guarded", "v"); }) == GOCORE_ETCD_STATUS_LOST);
}

static void subscriptions_wait(etcd::Client &client)
{
    auto lock = client.lock("cpp/wait");
    std::atomic<bool> began{false}, ended{false};
    {
        const auto subscription = lock.on_lost([&] {
            began = true;
            std::this_thread::sleep_for(300ms);
            ended = true;
        });
        lose(client, lock);
        while (!began)
            std::this_thread::sleep_for(1ms);
    }
    CHECK(ended);

    // Inside of a handler it does not wait for itself.
    lock = client.lock("cpp/wait");
    auto own = std::make_shared<etcd::Subscription>();
    std::atomic<bool> done{false};
    *own = lock.on_lost([&, own] {
        *own = etcd::Subscription();
        done = true;
    });
    lose(client, lock);
    while (!done)
        std::this_thread::sleep_for(1ms);
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
    auto client = connect(argv);
    keys_and_values(client);
    locks(client);
    subscriptions_wait(client);
    cancelling(client);
    client = connect(argv);
    client.close();
    CHECK(thrown_by([&] { client.kv().get("k"); }) == GOCORE_ETCD_STATUS_CLOSED);
    return 0;
}
