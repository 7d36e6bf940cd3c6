// What the library has to say.
#ifndef GOCORE_ETCD_LOG_HPP
#define GOCORE_ETCD_LOG_HPP

#include "subscription.hpp"

namespace gocore::etcd {

/// How serious it is.
enum class LogLevel : int32_t {
    error = GOCORE_ETCD_LOG_ERROR,
    warn = GOCORE_ETCD_LOG_WARN,
    info = GOCORE_ETCD_LOG_INFO,
    debug = GOCORE_ETCD_LOG_DEBUG,
};

/// One thing the library had to say; borrowed for the handler it is given to.
struct LogRecord {
    LogLevel level;
    std::string_view target, message;
    /// How many records were dropped before this one, because the handler was too slow.
    uint64_t dropped;
};

/// Has `handler(const LogRecord &)` run for each thing the library has to say from now on, up to `level`; empty at an
/// error. It belongs to no client.
template <typename Handler> Subscription subscribe_log(LogLevel level, Handler &&handler, Error &error) noexcept
{
    using Data = detail::UserData<Handler>;
    return detail::contained(error, [&] {
        const gocore_etcd_log_callback callback = [](void *data, const gocore_etcd_log_record *record) {
            const LogRecord said{static_cast<LogLevel>(gocore_etcd_log_record_level(record)),
                                 detail::view(gocore_etcd_log_record_target(record)),
                                 detail::view(gocore_etcd_log_record_message(record)),
                                 gocore_etcd_log_record_dropped(record)};
            detail::guarded([&] { Data::of(data)(said); }, detail::Told::on_stderr);
        };
        void *data = Data::make(std::forward<Handler>(handler));
        gocore_etcd_subscription *subscription = nullptr;
        gocore_etcd_log_subscribe(static_cast<int32_t>(level), callback, data, Data::free, &subscription,
                                  detail::Slot(error));
        return Subscription(subscription);
    });
}

#if GOCORE_ETCD_HAS_EXCEPTIONS
template <typename Handler> Subscription subscribe_log(LogLevel level, Handler &&handler)
{
    return detail::thrown([&](Error &error) { return subscribe_log(level, std::forward<Handler>(handler), error); });
}
#endif

} // namespace gocore::etcd

#endif // GOCORE_ETCD_LOG_HPP
