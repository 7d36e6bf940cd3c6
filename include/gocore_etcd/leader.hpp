// Who leads, and how a handler hears of it.
#ifndef GOCORE_ETCD_LEADER_HPP
#define GOCORE_ETCD_LEADER_HPP

#include "subscription.hpp"

#include <optional>

namespace gocore::etcd {

/// Who leads, as anyone sees it. A value: it belongs to no client.
class Leader {
public:
    Leader() noexcept = default;
    /// Takes a leader of the C interface.
    explicit Leader(gocore_etcd_leader *handle) noexcept : handle_(handle) {}
    Leader(const Leader &other) noexcept : handle_(gocore_etcd_leader_clone(other.handle_.get())) {}
    Leader(Leader &&) noexcept = default;
    Leader &operator=(Leader other) noexcept
    {
        handle_.swap(other.handle_);
        return *this;
    }
    ~Leader() = default;

    /// What it has proclaimed last, at first the identity it campaigned with; lives as long as the leader.
    std::string_view identity() const noexcept
    {
        size_t len = 0;
        const char *identity = gocore_etcd_leader_identity(handle_.get(), &len);
        return {identity, len};
    }
    /// Its fencing token, higher than that of every leader before, until the cluster is restored from a backup.
    int64_t token() const noexcept { return gocore_etcd_leader_token(handle_.get()); }
    /// The revision at which its identity was written.
    int64_t revision() const noexcept { return gocore_etcd_leader_revision(handle_.get()); }

private:
    detail::Handle<gocore_etcd_leader, gocore_etcd_leader_free> handle_;
};

namespace detail {

/// Has a handler of leaders subscribed by `start(callback, user_data, user_free, out)`, a call of C.
template <typename Handler, typename Start>
Subscription observed(Handler &&handler, Error &error, Start &&start) noexcept
{
    using Data = UserData<Handler>;
    return contained(error, [&] {
        const gocore_etcd_leader_callback callback = [](void *data, const gocore_etcd_leader *leader,
                                                        const gocore_etcd_error *problem) {
            std::optional<Leader> leads = taken_as<Leader>(gocore_etcd_leader_clone(leader));
            guarded([&] { Data::of(data)(std::move(leads), Error(gocore_etcd_error_clone(problem))); });
        };
        void *data = Data::make(std::forward<Handler>(handler));
        gocore_etcd_subscription *subscription = nullptr;
        start(callback, data, Data::free, &subscription);
        return Subscription(subscription);
    });
}

} // namespace detail

} // namespace gocore::etcd

#endif // GOCORE_ETCD_LEADER_HPP
