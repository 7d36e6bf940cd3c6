// Subscriptions, and how a handler of C++ is called by C.
#ifndef GOCORE_ETCD_SUBSCRIPTION_HPP
#define GOCORE_ETCD_SUBSCRIPTION_HPP

#include "error.hpp"

#include <cstdio>
#include <type_traits>
#include <utility>

namespace gocore::etcd {

/// Keeps handlers registered. Destroyed, it cancels, and waits for a running handler, except inside of a handler. Work that is
/// run as leader is none, but does not wait for other work.
class Subscription {
public:
    Subscription() noexcept = default;
    /// Takes a subscription of the C interface.
    explicit Subscription(gocore_etcd_subscription *handle) noexcept : handle_(handle) {}
    Subscription(Subscription &&) noexcept = default;
    Subscription &operator=(Subscription &&other) noexcept
    {
        // What was here ends with this.
        Subscription taken(std::move(other));
        handle_.swap(taken.handle_);
        return *this;
    }
    ~Subscription()
    {
        // Inside of a handler this gives WRONG_CONTEXT at once, and freeing cancels.
        if (handle_)
            gocore_etcd_subscription_cancel_wait(handle_.get(), GOCORE_ETCD_WAIT_FOREVER, nullptr);
    }
    /// No further handler begins; one that runs may finish. Never waits.
    void cancel() noexcept { gocore_etcd_subscription_cancel(handle_.get()); }

private:
    detail::Handle<gocore_etcd_subscription, gocore_etcd_subscription_free> handle_;
};

namespace detail {

/// Where it is told what a handler threw. Those of the log must not tell it there: they would be called for it.
enum class Told { in_log, on_stderr };

/// Tells it; on stderr too where nobody subscribes to the log. Needs no memory. A long text is cut.
inline void tell_thrown(const char *what, Told told) noexcept
{
    char text[1024];
    std::snprintf(text, sizeof text, "a handler threw: %s", what);
    if (told == Told::on_stderr || !gocore_etcd_log_write(GOCORE_ETCD_LOG_ERROR, text))
        std::fprintf(stderr, "gocore_etcd: %s\n", text);
}

/// Runs a handler; what it throws must not cross into the library. It is told, and nothing else changes.
template <typename Call> void guarded(Call &&call, [[maybe_unused]] Told told = Told::in_log) noexcept
{
#if GOCORE_ETCD_HAS_EXCEPTIONS
    try {
        call();
    } catch (const std::exception &error) {
        tell_thrown(error.what(), told);
    } catch (...) {
        tell_thrown("something that is no std::exception", told);
    }
#else
    call();
#endif
}

/// A handler of C++ as the user_data of C: called by `of`, given back by `free`.
template <typename Handler> struct UserData {
    using Own = std::decay_t<Handler>;

    static void *make(Handler &&handler) { return new Own(std::forward<Handler>(handler)); }
    static Own &of(void *data) noexcept { return *static_cast<Own *>(data); }
    static void free(void *data) noexcept { delete static_cast<Own *>(data); }
};

} // namespace detail

} // namespace gocore::etcd

#endif // GOCORE_ETCD_SUBSCRIPTION_HPP
