// Watches: first what there is, then every change, over lost connections, restarts and failover.
#ifndef GOCORE_ETCD_WATCH_HPP
#define GOCORE_ETCD_WATCH_HPP

#include "range.hpp"
#include "subscription.hpp"
#include "watch_update.hpp"

namespace gocore::etcd {

/// What keys and values have of watches.
template <typename Kv> class WithWatches {
public:
    /// Has `handler(const WatchUpdate &)` run with what the range holds, and from then on with each change of it, in order
    /// and none twice, for as long as the subscription lives; empty at an error. Of the range its keys matter, the rest is
    /// for reading. What cannot be told any more (a compaction, a handler too slow) a snapshot takes the place of. It keeps
    /// alive what it needs of the client; Client::close ends it, and then no further handler begins.
    template <typename Handler> Subscription watch(const Range &range, Handler &&handler, Error &error) noexcept
    {
        using Data = detail::UserData<Handler>;
        const gocore_etcd_range_options options = detail::plain(range);
        return detail::contained(error, [&] {
            const gocore_etcd_kv_watch_callback callback = [](void *data, const gocore_etcd_kv_update *update) {
                const WatchUpdate kept(update);
                detail::guarded([&] { Data::of(data)(kept); });
            };
            void *data = Data::make(std::forward<Handler>(handler));
            gocore_etcd_subscription *subscription = nullptr;
            gocore_etcd_kv_watch(static_cast<Kv *>(this)->get(), range.key.data(), range.key.size(), &options, callback,
                                 data, Data::free, &subscription, detail::Slot(error));
            return Subscription(subscription);
        });
    }

#if GOCORE_ETCD_HAS_EXCEPTIONS
    template <typename Handler> Subscription watch(const Range &range, Handler &&handler)
    {
        return detail::thrown([&](Error &error) { return watch(range, std::forward<Handler>(handler), error); });
    }
#endif
};

} // namespace gocore::etcd

#endif // GOCORE_ETCD_WATCH_HPP
