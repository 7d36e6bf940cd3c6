// Taking a lock without blocking, in C++: the handler gets the lock or the error, exactly once, however it ends.
#include "check.hpp"

#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>

/// What came of it; the last handle of it, inside a handler, counts when it goes.
struct Outcome {
    explicit Outcome(Counter &gone) : gone(gone) {}
    ~Outcome() { gone.add(); }
    Counter &gone;
};

struct Seen {
    Counter calls, gone;
    std::optional<etcd::Lock> lock;
    etcd::Error error;

    /// A handler that can only be moved, and tells when it is given back.
    auto handler()
    {
        return [this, held = std::make_unique<Outcome>(gone)](std::optional<etcd::Lock> taken, etcd::Error why) {
            lock = std::move(taken);
            error = why;
            calls.add();
        };
    }
    void until_over()
    {
        calls.until(1);
        gone.until(1);
        CHECK(lock.has_value() != static_cast<bool>(error));
    }
};

static void each_end(etcd::Client &client)
{
    Seen first, expired, cancelled, late;
    etcd::LockOptions options;
    client.lock_async("async", options, first.handler());
    first.until_over();
    CHECK(first.lock->is_held() && first.lock->key() == "/go-core/locks/async");

    options.timeout = 100ms;
    client.lock_async("async", options, expired.handler());
    expired.until_over();
    CHECK(expired.error.status() == GOCORE_ETCD_STATUS_DEADLINE_EXCEEDED);

    options.timeout = {};
    {
        etcd::CancelToken token;
        options.cancel = &token;
        client.lock_async("async", options, cancelled.handler());
        token.cancel();
        options.cancel = nullptr;
    }
    cancelled.until_over();
    CHECK(cancelled.error.status() == GOCORE_ETCD_STATUS_CANCELLED);

    // A handler may be a std::function, and may be kept by its caller.
    const std::function<void(std::optional<etcd::Lock>, etcd::Error)> copied =
        [&](std::optional<etcd::Lock> lock, etcd::Error error) {
            late.lock = std::move(lock);
            late.error = error;
            late.calls.add();
        };
    client.lock_async("async", {}, copied);
    first.lock->unlock();
    late.calls.until(1);
    CHECK(late.lock->is_held() && late.lock->token() > first.lock->token());
    late.lock->unlock();
}

/// A start that fails has given the handler back, and never calls it.
static void refused(etcd::Client &client)
{
    Seen seen;
    etcd::LockOptions options;
    etcd::Error error;
    options.ttl = -1s;
    CHECK(!client.lock_async("k", options, seen.handler(), error));
    CHECK(error.status() == GOCORE_ETCD_STATUS_INVALID_ARGUMENT && seen.gone.count() == 1);
    options = {};
    options.timeout = -2ms;
    CHECK(thrown_by([&] { client.lock_async("k", options, seen.handler()); }) == GOCORE_ETCD_STATUS_INVALID_ARGUMENT);
    CHECK(thrown_by([&] { client.lock_async(std::string("a\0b", 3), {}, seen.handler()); }) ==
          GOCORE_ETCD_STATUS_INVALID_ARGUMENT);
    CHECK(thrown_by([&] { client.lock_async(" / ", {}, seen.handler()); }) == GOCORE_ETCD_STATUS_INVALID_ARGUMENT);
    etcd::Client empty;
    CHECK(thrown_by([&] { empty.lock_async("k", {}, seen.handler()); }) == GOCORE_ETCD_STATUS_INVALID_ARGUMENT);
    CHECK(seen.gone.count() == 5 && seen.calls.count() == 0);
}

static void throw_in_handler(etcd::Client &client, const char *what)
{
    Counter calls;
    client.lock_async("async/throws", {}, [&](std::optional<etcd::Lock> lock, etcd::Error) {
        CHECK(lock->is_held());
        calls.add();
        throw std::runtime_error(what);
    });
    calls.until(1);
    etcd::LockOptions options;
    options.timeout = 30s;
    client.lock("async/throws", options).unlock();
}

/// What a handler throws is logged, and never lost: on stderr where nobody subscribes to the log (programs.rs looks there).
/// The lock that the handler was given goes back.
static void throws(etcd::Client &client)
{
    throw_in_handler(client, "thrown unheard");
    Counter logged, thrown;
    {
        const auto errors_alone = etcd::subscribe_log(etcd::LogLevel::error, [&](const etcd::LogRecord &record) {
            if (record.level == etcd::LogLevel::error && record.message == "a handler threw: thrown and logged")
                logged.add();
        });
        throw_in_handler(client, "thrown and logged");
        logged.until(1);
        // One of the log's own that throws is not called for that again.
        const auto throwing = etcd::subscribe_log(etcd::LogLevel::error, [&](const etcd::LogRecord &) {
            thrown.add();
            throw 7;
        });
        throw_in_handler(client, "thrown and logged");
        logged.until(2);
        thrown.until(1);
    }
    CHECK(logged.count() == 2 && thrown.count() == 1);
    throw_in_handler(client, "thrown unheard again");
}

/// Inside of a handler every call is allowed, blocking ones too.
static void inside(etcd::Client &client)
{
    Counter calls;
    client.lock_async("async/inside", {}, [&](std::optional<etcd::Lock> lock, etcd::Error) {
        CHECK(lock->put("/async/inside", "v") > lock->token());
        auto second = client.lock("async/second");
        second.unlock();
        lock->unlock();
        calls.add();
    });
    calls.until(1);
}

static void closed(char **argv, etcd::Client &other)
{
    const auto held = other.lock("async/closed");
    Seen seen;
    auto client = etcd::Client::connect(config_of(argv));
    client.lock_async("async/closed", {}, seen.handler());
    client.close();
    CHECK(seen.calls.count() == 1 && seen.error.status() == GOCORE_ETCD_STATUS_CLOSED && seen.gone.count() == 1);
}

/// Handlers of a client that dispatches run here, and nowhere else.
static void dispatched(char **argv)
{
    auto config = config_of(argv);
    config.dispatch = true;
    auto client = etcd::Client::connect(config);
    CHECK(client.dispatch_fd() >= 0);
    Counter calls;
    std::thread::id ran;
    client.lock_async("async/dispatch", {}, [&](std::optional<etcd::Lock> lock, etcd::Error) {
        ran = std::this_thread::get_id();
        lock->unlock();
        calls.add();
    });
    CHECK(client.dispatch(0, 30s) == 1 && calls.count() == 1 && ran == std::this_thread::get_id());
    CHECK(client.dispatch() == 0);
}

int main(int, char **argv)
{
    auto client = etcd::Client::connect(config_of(argv));
    each_end(client);
    refused(client);
    throws(client);
    inside(client);
    closed(argv, client);
    dispatched(argv);
    client.close();
    return 0;
}
