// Locks: one owner at a time over processes and machines, in order of arrival, with a fencing token. What is promised under
// which conditions: section Lock of gocore_etcd.h.
#ifndef GOCORE_ETCD_LOCK_HPP
#define GOCORE_ETCD_LOCK_HPP

#include "cancel.hpp"
#include "put.hpp"
#include "subscription.hpp"

#include <optional>

namespace gocore::etcd {

/// How to take a lock; zero is the default: a TTL of 30 s, no limit.
struct LockOptions {
    Milliseconds ttl{0}, timeout{0};
    /// Ends the waiting early. Not for try_lock, which does not wait for others.
    const CancelToken *cancel = nullptr;
};

/// A held lock. Destroyed, it is given back in the background.
class Lock {
public:
    Lock() noexcept = default;
    /// Takes a lock of the C interface.
    explicit Lock(gocore_etcd_lock *handle) noexcept : handle_(handle) {}

    /// The full key in etcd, for Kv; lives as long as the lock. Client::lock takes the key below the prefix.
    std::string_view key() const noexcept { return detail::view(gocore_etcd_lock_key(handle_.get())); }
    /// The fencing token: strictly increasing over the owners of this lock, until the cluster is restored from a backup.
    int64_t token() const noexcept { return gocore_etcd_lock_token(handle_.get()); }
    /// A wait-free read; once false it stays false.
    bool is_held() const noexcept { return gocore_etcd_lock_is_held(handle_.get()); }
    const gocore_etcd_lock *get() const noexcept { return handle_.get(); }

    /// Waits until it is held no longer; false when it still is after `timeout` (zero: no limit), or at an error.
    bool wait_lost(Milliseconds timeout, const CancelToken *cancel, Error &error) noexcept
    {
        return gocore_etcd_lock_wait_lost(handle_.get(), timeout.count(), detail::handle_of(cancel),
                                          detail::Slot(error)) == GOCORE_ETCD_STATUS_OK;
    }
    /// Gives it back; false at an error.
    bool unlock(Milliseconds timeout, Error &error) noexcept
    {
        return gocore_etcd_lock_unlock(handle_.get(), timeout.count(), detail::Slot(error)) == GOCORE_ETCD_STATUS_OK;
    }
    /// Writes a key if the lock is still held when it arrives at etcd; gives the revision.
    int64_t put(std::string_view key, std::string_view value, const PutOptions &options, Error &error) noexcept
    {
        const gocore_etcd_put_options given = detail::plain(options);
        int64_t revision = 0;
        gocore_etcd_lock_put(handle_.get(), key.data(), key.size(), value.data(), value.size(), &given,
                             options.timeout.count(), &revision, detail::Slot(error));
        return revision;
    }
    /// Has `handler()` run once when it is lost; never when it is given back. Empty at an error.
    template <typename Handler> Subscription on_lost(Handler &&handler, Error &error) noexcept
    {
        using Data = detail::UserData<Handler>;
        return detail::contained(error, [&] {
            const gocore_etcd_lost_callback callback = [](void *data) { detail::guarded(Data::of(data)); };
            void *data = Data::make(std::forward<Handler>(handler));
            gocore_etcd_subscription *subscription = nullptr;
            gocore_etcd_lock_on_lost(handle_.get(), callback, data, Data::free, &subscription, detail::Slot(error));
            return Subscription(subscription);
        });
    }

#if GOCORE_ETCD_HAS_EXCEPTIONS
    bool wait_lost(Milliseconds timeout = Milliseconds(0), const CancelToken *cancel = nullptr)
    {
        return detail::thrown([&](Error &error) { return wait_lost(timeout, cancel, error); });
    }
    void unlock(Milliseconds timeout = Milliseconds(0))
    {
        detail::thrown([&](Error &error) { return unlock(timeout, error); });
    }
    int64_t put(std::string_view key, std::string_view value, const PutOptions &options = {})
    {
        return detail::thrown([&](Error &error) { return put(key, value, options, error); });
    }
    template <typename Handler> Subscription on_lost(Handler &&handler)
    {
        return detail::thrown([&](Error &error) { return on_lost(std::forward<Handler>(handler), error); });
    }
#endif

private:
    detail::Handle<gocore_etcd_lock, gocore_etcd_lock_free> handle_;
};

namespace detail {

inline gocore_etcd_lock_options plain(const LockOptions &options) noexcept
{
    gocore_etcd_lock_options plain = GOCORE_ETCD_LOCK_OPTIONS_INIT;
    plain.ttl_ms = options.ttl.count();
    return plain;
}

/// The name of a lock for C.
inline const char *lock_name(const std::string &key, Error &error) noexcept
{
    return text(key, "invalid argument: key: must not contain NUL", error);
}

} // namespace detail

/// What a client has of locks.
template <typename Client> class WithLocks {
public:
    /// Waits for a lock and takes it; empty at an error.
    std::optional<Lock> lock(const std::string &key, const LockOptions &options, Error &error) noexcept
    {
        const gocore_etcd_lock_options given = detail::plain(options);
        const char *name = detail::lock_name(key, error);
        if (name == nullptr)
            return {};
        gocore_etcd_lock *lock = nullptr;
        gocore_etcd_lock_acquire(client(), name, &given, options.timeout.count(), detail::handle_of(options.cancel),
                                 &lock, detail::Slot(error));
        return detail::taken_as<Lock>(lock);
    }
    /// Takes a lock if nobody holds it or waits for it; empty when somebody does, and at an error.
    std::optional<Lock> try_lock(const std::string &key, const LockOptions &options, Error &error) noexcept
    {
        const gocore_etcd_lock_options given = detail::plain(options);
        const char *name = detail::lock_name(key, error);
        if (name == nullptr)
            return {};
        gocore_etcd_lock *lock = nullptr;
        gocore_etcd_lock_try_acquire(client(), name, &given, options.timeout.count(), &lock, detail::Slot(error));
        return detail::taken_as<Lock>(lock);
    }
    /// Begins to wait for a lock, without blocking; false at an error. `handler(std::optional<Lock>, Error)` runs exactly
    /// once with what came of it, possibly before this returns, and never when this fails.
    template <typename Handler>
    bool lock_async(const std::string &key, const LockOptions &options, Handler &&handler, Error &error) noexcept
    {
        using Data = detail::UserData<Handler>;
        const gocore_etcd_lock_options given = detail::plain(options);
        const char *name = detail::lock_name(key, error);
        if (name == nullptr)
            return false;
        return detail::contained(error, [&] {
            const gocore_etcd_lock_callback callback = [](void *data, gocore_etcd_status, gocore_etcd_lock *lock,
                                                          gocore_etcd_error *failure) {
                std::optional<Lock> taken = detail::taken_as<Lock>(lock);
                detail::guarded([&] { Data::of(data)(std::move(taken), Error(failure)); });
            };
            void *data = Data::make(std::forward<Handler>(handler));
            return gocore_etcd_lock_acquire_async(client(), name, &given, options.timeout.count(),
                                                  detail::handle_of(options.cancel), callback, data, Data::free,
                                                  detail::Slot(error)) == GOCORE_ETCD_STATUS_OK;
        });
    }

#if GOCORE_ETCD_HAS_EXCEPTIONS
    Lock lock(const std::string &key, const LockOptions &options = {})
    {
        return *detail::thrown([&](Error &error) { return lock(key, options, error); });
    }
    std::optional<Lock> try_lock(const std::string &key, const LockOptions &options = {})
    {
        return detail::thrown([&](Error &error) { return try_lock(key, options, error); });
    }
    template <typename Handler> void lock_async(const std::string &key, const LockOptions &options, Handler &&handler)
    {
        detail::thrown(
            [&](Error &error) { return lock_async(key, options, std::forward<Handler>(handler), error); });
    }
#endif

private:
    gocore_etcd_client *client() noexcept { return static_cast<Client *>(this)->get(); }
};

} // namespace gocore::etcd

#endif // GOCORE_ETCD_LOCK_HPP
