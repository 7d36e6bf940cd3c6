// gocore_etcd: etcd for programs that run in production. C++17 over gocore_etcd.h, header only; link libgocore_etcd.
//
//     gocore::etcd::Config config;
//     config.endpoints = {"127.0.0.1:2379"};
//     auto client = gocore::etcd::Client::connect(config);
//     auto lock = client.lock("jobs/cleanup");
//     client.kv().put("/greeting", "hello");
//     lock.unlock();
//
// Ownership: all types own what they hold, move, and do not copy (Error and values apart). A moved-from or empty object
// gives zero values, and its calls fail with INVALID_ARGUMENT. ~Client closes, for at most 5 s; locks and subscriptions
// keep their client alive. ~Lock gives a held lock back in the background. ~Subscription waits for a running handler,
// except inside of one.
//
// Errors: each function that can fail throws Error, and has an overload with a last parameter `Error &` that does not.
// With -fno-exceptions there are only those. They return an empty optional (or false, or 0) and set the error; on success
// they clear it.
//
// Threads, time limits, fork, exit: the first page of gocore_etcd.h. Handlers run on threads of the library; what one
// throws is written to stderr, and the subscription goes on.
#ifndef GOCORE_ETCD_HPP
#define GOCORE_ETCD_HPP

#include "gocore_etcd.h"

#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
#define GOCORE_ETCD_HAS_EXCEPTIONS 1
#else
#define GOCORE_ETCD_HAS_EXCEPTIONS 0
#endif

namespace gocore::etcd {

/// A time limit or TTL; zero is the default of what it is given to.
using Milliseconds = std::chrono::milliseconds;
/// No limit.
inline constexpr Milliseconds wait_forever{GOCORE_ETCD_WAIT_FOREVER};
/// How long ~Client takes at most.
inline constexpr Milliseconds close_limit{5000};

/// Why a call failed; false when none did. Cheap to copy.
class Error : public std::exception {
public:
    Error() noexcept = default;
    /// Takes an error of the C interface.
    explicit Error(gocore_etcd_error *error) : error_(error, gocore_etcd_error_free) {}

    gocore_etcd_status status() const noexcept { return gocore_etcd_error_status(error_.get()); }
    const char *what() const noexcept override { return error_ ? gocore_etcd_error_message(error_.get()) : "no error"; }
    /// Whether the same call can succeed later without anything being fixed.
    bool retryable() const noexcept { return gocore_etcd_error_retryable(error_.get()); }
    /// Whether the request may have been applied although it failed.
    bool maybe_applied() const noexcept { return gocore_etcd_error_maybe_applied(error_.get()); }
    explicit operator bool() const noexcept { return error_ != nullptr; }

private:
    std::shared_ptr<gocore_etcd_error> error_;
};

namespace detail {

template <typename T, void (*Free)(T *)> struct Freed {
    void operator()(T *handle) const noexcept { Free(handle); }
};
template <typename T, void (*Free)(T *)> using Handle = std::unique_ptr<T, Freed<T, Free>>;

/// Where a call of C puts its error, for an Error.
class Slot {
public:
    explicit Slot(Error &error) noexcept : error_(error) { error_ = Error(); }
    Slot(const Slot &) = delete;
    Slot &operator=(const Slot &) = delete;
    ~Slot()
    {
        if (raw_ != nullptr)
            error_ = Error(raw_);
    }
    operator gocore_etcd_error **() noexcept { return &raw_; }

private:
    Error &error_;
    gocore_etcd_error *raw_ = nullptr;
};

inline const char *text_or_null(const std::string &text) noexcept { return text.empty() ? nullptr : text.c_str(); }

inline std::string_view view(const uint8_t *bytes, size_t len) noexcept
{
    return {reinterpret_cast<const char *>(bytes), len};
}

#if GOCORE_ETCD_HAS_EXCEPTIONS
/// The throwing form of a call that takes an Error.
template <typename Call> auto thrown(Call &&call)
{
    Error error;
    auto result = call(error);
    if (error)
        throw error;
    return result;
}
#endif

/// Runs a handler; what it throws must not cross into the library.
template <typename Call> void guarded(Call &&call) noexcept
{
#if GOCORE_ETCD_HAS_EXCEPTIONS
    try {
        call();
    } catch (const std::exception &error) {
        std::fprintf(stderr, "gocore_etcd: a handler threw: %s\n", error.what());
    } catch (...) {
        std::fprintf(stderr, "gocore_etcd: a handler threw something that is no std::exception\n");
    }
#else
    call();
#endif
}

} // namespace detail

/// Ends the calls it is given to, early; any thread may fire it.
class CancelToken {
public:
    CancelToken() : handle_(gocore_etcd_cancel_token_new()) {}
    void cancel() noexcept { gocore_etcd_cancel_token_cancel(handle_.get()); }
    bool is_cancelled() const noexcept { return gocore_etcd_cancel_token_is_cancelled(handle_.get()); }
    const gocore_etcd_cancel_token *get() const noexcept { return handle_.get(); }

private:
    detail::Handle<gocore_etcd_cancel_token, gocore_etcd_cancel_token_free> handle_;
};

/// TLS: each document is a file's name or PEM text. Empty: the system's authorities, no certificate of our own.
struct Tls {
    std::string ca_file, ca_pem, cert_file, cert_pem, key_file, key_pem, server_name;
};

/// How to reach etcd; what is empty or zero is at its default.
struct Config {
    std::vector<std::string> endpoints;
    std::string prefix, username, password;
    std::optional<Tls> tls;
    Milliseconds dial_timeout{0}, request_timeout{0}, auto_sync_interval{0}, keep_alive_interval{0},
        keep_alive_timeout{0};
    /// Handlers run inside Client::dispatch instead of on threads of the library.
    bool dispatch = false;
};

/// Keeps handlers registered. Destroyed, it cancels, and waits for a running handler, except inside of one.
class Subscription {
public:
    Subscription() noexcept = default;
    explicit Subscription(gocore_etcd_subscription *handle) noexcept : handle_(handle) {}
    Subscription(Subscription &&) noexcept = default;
    Subscription &operator=(Subscription &&other) noexcept
    {
        end();
        handle_ = std::move(other.handle_);
        return *this;
    }
    ~Subscription() { end(); }
    /// No further handler begins; one that runs may finish. Never waits.
    void cancel() noexcept { gocore_etcd_subscription_cancel(handle_.get()); }

private:
    void end() noexcept
    {
        // Inside of a handler this gives WRONG_CONTEXT at once, and freeing cancels.
        if (handle_)
            gocore_etcd_subscription_cancel_wait(handle_.get(), GOCORE_ETCD_WAIT_FOREVER, nullptr);
        handle_.reset();
    }
    detail::Handle<gocore_etcd_subscription, gocore_etcd_subscription_free> handle_;
};

/// A held lock. Destroyed, it is given back in the background.
class Lock {
public:
    Lock() noexcept = default;
    /// Takes a lock of the C interface.
    explicit Lock(gocore_etcd_lock *handle) noexcept : handle_(handle) {}

    /// The full key in etcd.
    std::string key() const
    {
        const char *key = gocore_etcd_lock_key(handle_.get());
        return key == nullptr ? std::string() : std::string(key);
    }
    /// The fencing token: strictly increasing over the owners of this lock.
    int64_t token() const noexcept { return gocore_etcd_lock_token(handle_.get()); }
    /// A wait-free read; once false it stays false.
    bool is_held() const noexcept { return gocore_etcd_lock_is_held(handle_.get()); }
    const gocore_etcd_lock *get() const noexcept { return handle_.get(); }

    /// Waits until it is held no longer; false when it still is after `timeout` (zero: no limit), or at an error.
    bool wait_lost(Milliseconds timeout, const CancelToken *cancel, Error &error) noexcept
    {
        const gocore_etcd_cancel_token *token = cancel == nullptr ? nullptr : cancel->get();
        return gocore_etcd_lock_wait_lost(handle_.get(), timeout.count(), token, detail::Slot(error)) ==
               GOCORE_ETCD_STATUS_OK;
    }
    /// Gives it back; false at an error.
    bool unlock(Error &error) noexcept
    {
        return gocore_etcd_lock_unlock(handle_.get(), 0, detail::Slot(error)) == GOCORE_ETCD_STATUS_OK;
    }
    /// Writes a key if the lock is still held when it arrives at etcd; gives the revision.
    int64_t put(std::string_view key, std::string_view value, Error &error) noexcept
    {
        int64_t revision = 0;
        gocore_etcd_lock_put(handle_.get(), key.data(), key.size(), value.data(), value.size(), nullptr, 0, &revision,
                             detail::Slot(error));
        return revision;
    }
    /// Has `handler` run once when it is lost; never when it is given back.
    Subscription on_lost(std::function<void()> handler, Error &error)
    {
        using Handler = std::function<void()>;
        gocore_etcd_subscription *subscription = nullptr;
        gocore_etcd_lock_on_lost(
            handle_.get(), [](void *data) { detail::guarded(*static_cast<Handler *>(data)); },
            new Handler(std::move(handler)), [](void *data) { delete static_cast<Handler *>(data); }, &subscription,
            detail::Slot(error));
        return Subscription(subscription);
    }

#if GOCORE_ETCD_HAS_EXCEPTIONS
    bool wait_lost(Milliseconds timeout = Milliseconds(0), const CancelToken *cancel = nullptr)
    {
        return detail::thrown([&](Error &error) { return wait_lost(timeout, cancel, error); });
    }
    void unlock()
    {
        detail::thrown([&](Error &error) { return unlock(error); });
    }
    int64_t put(std::string_view key, std::string_view value)
    {
        return detail::thrown([&](Error &error) { return put(key, value, error); });
    }
    Subscription on_lost(std::function<void()> handler)
    {
        return detail::thrown([&](Error &error) { return on_lost(std::move(handler), error); });
    }
#endif

private:
    detail::Handle<gocore_etcd_lock, gocore_etcd_lock_free> handle_;
};

/// A key with its value; a copy of its own.
struct Entry {
    std::string key, value;
    int64_t create_revision = 0, mod_revision = 0, version = 0, lease = 0;

    Entry() = default;
    explicit Entry(const gocore_etcd_kv_entry *entry)
        : create_revision(gocore_etcd_kv_entry_create_revision(entry)),
          mod_revision(gocore_etcd_kv_entry_mod_revision(entry)), version(gocore_etcd_kv_entry_version(entry)),
          lease(gocore_etcd_kv_entry_lease(entry))
    {
        size_t len = 0;
        const uint8_t *bytes = gocore_etcd_kv_entry_key(entry, &len);
        key = detail::view(bytes, len);
        bytes = gocore_etcd_kv_entry_value(entry, &len);
        value = detail::view(bytes, len);
    }
};

/// What a range held.
struct Listing {
    std::vector<Entry> entries;
    /// How many keys the range holds, whatever the limit was.
    uint64_t count = 0;
    bool more = false;
    int64_t revision = 0;
};

/// Keys and values, absolute. Borrows its client, which must live longer.
class Kv {
public:
    explicit Kv(gocore_etcd_client *client) noexcept : client_(client) {}

    /// Reads one key; empty when it does not exist, and at an error.
    std::optional<Entry> get(std::string_view key, Error &error, Milliseconds timeout = Milliseconds(0))
    {
        gocore_etcd_kv_entry *found = nullptr;
        gocore_etcd_kv_get(client_, key.data(), key.size(), nullptr, timeout.count(), &found, detail::Slot(error));
        const detail::Handle<gocore_etcd_kv_entry, gocore_etcd_kv_entry_free> entry(found);
        return entry ? std::optional<Entry>(Entry(entry.get())) : std::nullopt;
    }
    /// Reads every key that begins with `prefix`, at most `limit` (zero: all).
    Listing list(std::string_view prefix, uint32_t limit, Error &error, Milliseconds timeout = Milliseconds(0))
    {
        gocore_etcd_range_options options = GOCORE_ETCD_RANGE_OPTIONS_INIT;
        options.scope = GOCORE_ETCD_SCOPE_PREFIX;
        options.limit = limit;
        gocore_etcd_kv_listing *found = nullptr;
        gocore_etcd_kv_list(client_, prefix.data(), prefix.size(), &options, timeout.count(), &found,
                            detail::Slot(error));
        const detail::Handle<gocore_etcd_kv_listing, gocore_etcd_kv_listing_free> held(found);
        Listing listing;
        for (size_t n = 0; n < gocore_etcd_kv_listing_len(held.get()); ++n)
            listing.entries.emplace_back(gocore_etcd_kv_listing_entry(held.get(), n));
        listing.count = gocore_etcd_kv_listing_count(held.get());
        listing.more = gocore_etcd_kv_listing_more(held.get());
        listing.revision = gocore_etcd_kv_listing_revision(held.get());
        return listing;
    }
    /// Writes a key; gives the revision.
    int64_t put(std::string_view key, std::string_view value, Error &error,
                Milliseconds timeout = Milliseconds(0)) noexcept
    {
        int64_t revision = 0;
        gocore_etcd_kv_put(client_, key.data(), key.size(), value.data(), value.size(), nullptr, timeout.count(),
                           &revision, detail::Slot(error));
        return revision;
    }
    /// Deletes a key; false when it did not exist, and at an error.
    bool remove(std::string_view key, Error &error, Milliseconds timeout = Milliseconds(0)) noexcept
    {
        uint64_t deleted = 0;
        gocore_etcd_kv_delete(client_, key.data(), key.size(), nullptr, timeout.count(), &deleted, detail::Slot(error));
        return deleted > 0;
    }

#if GOCORE_ETCD_HAS_EXCEPTIONS
    std::optional<Entry> get(std::string_view key, Milliseconds timeout = Milliseconds(0))
    {
        return detail::thrown([&](Error &error) { return get(key, error, timeout); });
    }
    Listing list(std::string_view prefix, uint32_t limit = 0, Milliseconds timeout = Milliseconds(0))
    {
        return detail::thrown([&](Error &error) { return list(prefix, limit, error, timeout); });
    }
    int64_t put(std::string_view key, std::string_view value, Milliseconds timeout = Milliseconds(0))
    {
        return detail::thrown([&](Error &error) { return put(key, value, error, timeout); });
    }
    bool remove(std::string_view key, Milliseconds timeout = Milliseconds(0))
    {
        return detail::thrown([&](Error &error) { return remove(key, error, timeout); });
    }
#endif

private:
    gocore_etcd_client *client_;
};

/// How to take a lock; zero is the default: a TTL of 30 s, no limit.
struct LockOptions {
    Milliseconds ttl{0}, timeout{0};
    const CancelToken *cancel = nullptr;
};

/// A client of an etcd cluster. Destroyed, it closes, for at most `close_limit`.
class Client {
public:
    Client() noexcept = default;
    /// Takes a client of the C interface.
    explicit Client(gocore_etcd_client *handle) noexcept : handle_(handle) {}
    Client(Client &&) noexcept = default;
    Client &operator=(Client &&other) noexcept
    {
        end();
        handle_ = std::move(other.handle_);
        return *this;
    }
    ~Client() { end(); }

    /// Connects; empty at an error.
    static std::optional<Client> connect(const Config &config, Error &error)
    {
        std::vector<const char *> endpoints;
        for (const std::string &endpoint : config.endpoints)
            endpoints.push_back(endpoint.c_str());
        gocore_etcd_client_config given = GOCORE_ETCD_CLIENT_CONFIG_INIT;
        gocore_etcd_tls_config tls = GOCORE_ETCD_TLS_CONFIG_INIT;
        given.endpoints = endpoints.data();
        given.endpoints_len = endpoints.size();
        given.prefix = detail::text_or_null(config.prefix);
        given.username = detail::text_or_null(config.username);
        given.password = detail::text_or_null(config.password);
        if (config.tls) {
            const auto pem = [](const std::string &text, const void *&to, size_t &len) {
                to = text.empty() ? nullptr : text.data();
                len = text.size();
            };
            tls.ca_file = detail::text_or_null(config.tls->ca_file);
            tls.cert_file = detail::text_or_null(config.tls->cert_file);
            tls.key_file = detail::text_or_null(config.tls->key_file);
            tls.server_name = detail::text_or_null(config.tls->server_name);
            pem(config.tls->ca_pem, tls.ca_pem, tls.ca_pem_len);
            pem(config.tls->cert_pem, tls.cert_pem, tls.cert_pem_len);
            pem(config.tls->key_pem, tls.key_pem, tls.key_pem_len);
            given.tls = &tls;
        }
        given.dial_timeout_ms = config.dial_timeout.count();
        given.request_timeout_ms = config.request_timeout.count();
        given.auto_sync_interval_ms = config.auto_sync_interval.count();
        given.keep_alive_interval_ms = config.keep_alive_interval.count();
        given.keep_alive_timeout_ms = config.keep_alive_timeout.count();
        given.callbacks = config.dispatch ? GOCORE_ETCD_CALLBACKS_DISPATCH : GOCORE_ETCD_CALLBACKS_THREADS;
        gocore_etcd_client *client = nullptr;
        gocore_etcd_client_connect(&given, &client, detail::Slot(error));
        return client == nullptr ? std::nullopt : std::optional<Client>(std::in_place, client);
    }

    /// The prefix below which everything of this client lies.
    std::string prefix() const
    {
        const char *prefix = gocore_etcd_client_prefix(handle_.get());
        return prefix == nullptr ? std::string() : std::string(prefix);
    }
    /// A key below the prefix: each part without its surrounding slashes; empty at an error.
    std::string key(const std::vector<std::string> &parts, Error &error) const
    {
        std::vector<const char *> given;
        for (const std::string &part : parts)
            given.push_back(part.c_str());
        char *text = nullptr;
        gocore_etcd_client_key(handle_.get(), given.data(), given.size(), &text, detail::Slot(error));
        const detail::Handle<char, gocore_etcd_string_free> held(text);
        return held ? std::string(held.get()) : std::string();
    }
    /// For the functions of the C interface that have no form here.
    gocore_etcd_client *get() noexcept { return handle_.get(); }
    /// Keys and values; borrows this client.
    Kv kv() noexcept { return Kv(handle_.get()); }

    /// Waits for a lock and takes it; empty at an error.
    std::optional<Lock> lock(const std::string &key, const LockOptions &options, Error &error) noexcept
    {
        gocore_etcd_lock_options given = GOCORE_ETCD_LOCK_OPTIONS_INIT;
        given.ttl_ms = options.ttl.count();
        const gocore_etcd_cancel_token *cancel = options.cancel == nullptr ? nullptr : options.cancel->get();
        gocore_etcd_lock *lock = nullptr;
        gocore_etcd_lock_acquire(handle_.get(), key.c_str(), &given, options.timeout.count(), cancel, &lock,
                                 detail::Slot(error));
        return lock == nullptr ? std::nullopt : std::optional<Lock>(std::in_place, lock);
    }
    /// Takes a lock if nobody holds it or waits for it; empty when somebody does, and at an error.
    std::optional<Lock> try_lock(const std::string &key, const LockOptions &options, Error &error) noexcept
    {
        gocore_etcd_lock_options given = GOCORE_ETCD_LOCK_OPTIONS_INIT;
        given.ttl_ms = options.ttl.count();
        gocore_etcd_lock *lock = nullptr;
        gocore_etcd_lock_try_acquire(handle_.get(), key.c_str(), &given, options.timeout.count(), &lock,
                                     detail::Slot(error));
        return lock == nullptr ? std::nullopt : std::optional<Lock>(std::in_place, lock);
    }
    /// Runs handlers that are due, here (Config::dispatch); gives how many ran.
    size_t dispatch(size_t max, Milliseconds timeout, Error &error) noexcept
    {
        size_t count = 0;
        gocore_etcd_client_dispatch(handle_.get(), max, timeout.count(), &count, detail::Slot(error));
        return count;
    }
    /// Readable while handlers are due; -1 without Config::dispatch.
    int dispatch_fd() const noexcept { return gocore_etcd_client_dispatch_fd(handle_.get()); }
    /// Closes and waits for it; false at an error.
    bool close(Milliseconds timeout, Error &error) noexcept
    {
        return gocore_etcd_client_close(handle_.get(), timeout.count(), detail::Slot(error)) == GOCORE_ETCD_STATUS_OK;
    }

#if GOCORE_ETCD_HAS_EXCEPTIONS
    static Client connect(const Config &config)
    {
        return *detail::thrown([&](Error &error) { return connect(config, error); });
    }
    std::string key(const std::vector<std::string> &parts) const
    {
        return detail::thrown([&](Error &error) { return key(parts, error); });
    }
    Lock lock(const std::string &key, const LockOptions &options = {})
    {
        return *detail::thrown([&](Error &error) { return lock(key, options, error); });
    }
    std::optional<Lock> try_lock(const std::string &key, const LockOptions &options = {})
    {
        return detail::thrown([&](Error &error) { return try_lock(key, options, error); });
    }
    size_t dispatch(size_t max = 0, Milliseconds timeout = Milliseconds(0))
    {
        return detail::thrown([&](Error &error) { return dispatch(max, timeout, error); });
    }
    void close(Milliseconds timeout = Milliseconds(0))
    {
        detail::thrown([&](Error &error) { return close(timeout, error); });
    }
#endif

private:
    void end() noexcept
    {
        if (handle_)
            gocore_etcd_client_close(handle_.get(), close_limit.count(), nullptr);
        handle_.reset();
    }
    detail::Handle<gocore_etcd_client, gocore_etcd_client_free> handle_;
};

} // namespace gocore::etcd

#endif // GOCORE_ETCD_HPP
