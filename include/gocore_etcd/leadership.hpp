// A leadership: what whoever leads may believe, says to others, and gives back.
#ifndef GOCORE_ETCD_LEADERSHIP_HPP
#define GOCORE_ETCD_LEADERSHIP_HPP

#include "cancel.hpp"
#include "leader.hpp"
#include "put.hpp"

namespace gocore::etcd {

namespace detail {
class Lent;
} // namespace detail

/// A leadership. Destroyed, it is given back in the background. Its calls do not change the handle: work that is run as
/// leader has a const one.
class Leadership {
public:
    Leadership() noexcept = default;
    /// Takes a leadership of the C interface.
    explicit Leadership(gocore_etcd_leadership *handle) noexcept : handle_(handle) {}

    /// The full key of the election in etcd, for Kv; lives as long as the leadership. Client::leader and Client::observe take the
    /// key below the prefix: leader and observe of here ask about this election.
    std::string_view key() const noexcept { return detail::view(gocore_etcd_leadership_key(handle_.get())); }
    /// The fencing token: strictly increasing over the leaders of this key, until the cluster is restored from a backup.
    int64_t token() const noexcept { return gocore_etcd_leadership_token(handle_.get()); }
    /// A wait-free read; once false it stays false.
    bool is_leader() const noexcept { return gocore_etcd_leadership_is_leader(handle_.get()); }
    const gocore_etcd_leadership *get() const noexcept { return handle_.get(); }

    /// What it has proclaimed last, at first what it campaigned with; empty at an error.
    std::string identity(Error &error) const noexcept
    {
        return detail::contained(error, [&] {
            char *text = nullptr;
            gocore_etcd_leadership_identity(handle_.get(), &text, detail::Slot(error));
            const detail::Handle<char, gocore_etcd_string_free> held(text);
            return std::string(detail::view(text));
        });
    }
    /// Changes the identity that others see; the leadership and its token stay. False at an error.
    bool proclaim(const std::string &identity, Milliseconds timeout, Error &error) const noexcept
    {
        const char *text = detail::text(identity, "invalid argument: identity: must not contain NUL", error);
        return text != nullptr && gocore_etcd_leadership_proclaim(handle_.get(), text, timeout.count(),
                                                                  detail::Slot(error)) == GOCORE_ETCD_STATUS_OK;
    }
    /// Waits until it leads no longer; false when it still does after `timeout` (zero: no limit), or at an error.
    bool wait_lost(Milliseconds timeout, const CancelToken *cancel, Error &error) const noexcept
    {
        return gocore_etcd_leadership_wait_lost(handle_.get(), timeout.count(), detail::handle_of(cancel),
                                                detail::Slot(error)) == GOCORE_ETCD_STATUS_OK;
    }
    /// Gives it back; false at an error.
    bool resign(Milliseconds timeout, Error &error) const noexcept
    {
        return gocore_etcd_leadership_resign(handle_.get(), timeout.count(), detail::Slot(error)) ==
               GOCORE_ETCD_STATUS_OK;
    }
    /// Writes a key if this still leads when it arrives at etcd; gives the revision.
    int64_t put(std::string_view key, std::string_view value, const PutOptions &options, Error &error) const noexcept
    {
        const gocore_etcd_put_options given = detail::plain(options);
        int64_t revision = 0;
        gocore_etcd_leadership_put(handle_.get(), key.data(), key.size(), value.data(), value.size(), &given,
                                   options.timeout.count(), &revision, detail::Slot(error));
        return revision;
    }
    /// Has `handler()` run once when it is lost; never when it is given back. Empty at an error.
    template <typename Handler> Subscription on_lost(Handler &&handler, Error &error) const noexcept
    {
        using Data = detail::UserData<Handler>;
        return detail::contained(error, [&] {
            const gocore_etcd_lost_callback callback = [](void *data) { detail::guarded(Data::of(data)); };
            void *data = Data::make(std::forward<Handler>(handler));
            gocore_etcd_subscription *subscription = nullptr;
            gocore_etcd_leadership_on_lost(handle_.get(), callback, data, Data::free, &subscription,
                                           detail::Slot(error));
            return Subscription(subscription);
        });
    }
    /// Who leads its election now, this or another, also after it has ended; empty when nobody does, and at an error.
    std::optional<Leader> leader(Milliseconds timeout, Error &error) const noexcept
    {
        gocore_etcd_leader *leader = nullptr;
        gocore_etcd_leadership_leader(handle_.get(), timeout.count(), &leader, detail::Slot(error));
        return detail::taken_as<Leader>(leader);
    }
    /// Observes its election, also after it has ended, as Client::observe does. Empty at an error.
    template <typename Handler> Subscription observe(Handler &&handler, Error &error) const noexcept
    {
        return detail::observed(std::forward<Handler>(handler), error, [&](auto... given) {
            gocore_etcd_leadership_observe(handle_.get(), given..., detail::Slot(error));
        });
    }

#if GOCORE_ETCD_HAS_EXCEPTIONS
    std::string identity() const
    {
        return detail::thrown([&](Error &error) { return identity(error); });
    }
    void proclaim(const std::string &identity, Milliseconds timeout = Milliseconds(0)) const
    {
        detail::thrown([&](Error &error) { return proclaim(identity, timeout, error); });
    }
    bool wait_lost(Milliseconds timeout = Milliseconds(0), const CancelToken *cancel = nullptr) const
    {
        return detail::thrown([&](Error &error) { return wait_lost(timeout, cancel, error); });
    }
    void resign(Milliseconds timeout = Milliseconds(0)) const
    {
        detail::thrown([&](Error &error) { return resign(timeout, error); });
    }
    int64_t put(std::string_view key, std::string_view value, const PutOptions &options = {}) const
    {
        return detail::thrown([&](Error &error) { return put(key, value, options, error); });
    }
    template <typename Handler> Subscription on_lost(Handler &&handler) const
    {
        return detail::thrown([&](Error &error) { return on_lost(std::forward<Handler>(handler), error); });
    }
    std::optional<Leader> leader(Milliseconds timeout = Milliseconds(0)) const
    {
        return detail::thrown([&](Error &error) { return leader(timeout, error); });
    }
    template <typename Handler> Subscription observe(Handler &&handler) const
    {
        return detail::thrown([&](Error &error) { return observe(std::forward<Handler>(handler), error); });
    }
#endif

private:
    friend class detail::Lent;
    detail::Handle<gocore_etcd_leadership, gocore_etcd_leadership_free> handle_;
};

} // namespace gocore::etcd

#endif // GOCORE_ETCD_LEADERSHIP_HPP
