// Which keys to list, delete or watch, and how to read them.
#ifndef GOCORE_ETCD_RANGE_HPP
#define GOCORE_ETCD_RANGE_HPP

#include "error.hpp"

#include <utility>

namespace gocore::etcd {

enum class Scope : int32_t {
    key = GOCORE_ETCD_SCOPE_KEY,
    prefix = GOCORE_ETCD_SCOPE_PREFIX,
    between = GOCORE_ETCD_SCOPE_BETWEEN,
};

enum class Content : int32_t {
    all = GOCORE_ETCD_CONTENT_ALL,
    keys = GOCORE_ETCD_CONTENT_KEYS,
    count = GOCORE_ETCD_CONTENT_COUNT,
};

enum class Order : int32_t {
    key = GOCORE_ETCD_ORDER_KEY,
    oldest_created = GOCORE_ETCD_ORDER_OLDEST_CREATED,
    newest_created = GOCORE_ETCD_ORDER_NEWEST_CREATED,
};

/// Which keys, and how to read them. A text is the range of this one key.
struct Range {
    Scope scope = Scope::key;
    std::string key, end;
    /// At most so many; zero is no limit. This and what follows is for reading.
    uint32_t limit = 0;
    Content content = Content::all;
    Order order = Order::key;
    /// As it was at this revision; zero is now.
    int64_t revision = 0;
    /// Only keys created at or before this revision; zero is all.
    int64_t max_create_revision = 0;

    Range() = default;
    Range(std::string one) noexcept : key(std::move(one)) {}
    Range(std::string_view one) : key(one) {}
    Range(const char *one) : key(one) {}
    Range(Scope scope, std::string_view key, std::string_view end) : scope(scope), key(key), end(end) {}

    /// Every key that begins with it; every key there is, when it is empty.
    static Range prefix(std::string_view prefix) { return Range(Scope::prefix, prefix, {}); }
    /// The keys from `first` up to, and without, `end`.
    static Range between(std::string_view first, std::string_view end) { return Range(Scope::between, first, end); }
};

namespace detail {

/// What belongs to the key, for C; borrows the range.
inline gocore_etcd_range_options plain(const Range &range) noexcept
{
    gocore_etcd_range_options plain = GOCORE_ETCD_RANGE_OPTIONS_INIT;
    plain.scope = static_cast<int32_t>(range.scope);
    plain.content = static_cast<int32_t>(range.content);
    plain.end = range.end.data();
    plain.end_len = range.end.size();
    plain.order = static_cast<int32_t>(range.order);
    plain.limit = range.limit;
    plain.revision = range.revision;
    plain.max_create_revision = range.max_create_revision;
    return plain;
}

} // namespace detail

} // namespace gocore::etcd

#endif // GOCORE_ETCD_RANGE_HPP
