// Keys with their values, as a read gave them.
#ifndef GOCORE_ETCD_ENTRY_HPP
#define GOCORE_ETCD_ENTRY_HPP

#include "error.hpp"

#include <vector>

namespace gocore::etcd {

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

    Listing() = default;
    explicit Listing(const gocore_etcd_kv_listing *listing)
        : count(gocore_etcd_kv_listing_count(listing)), more(gocore_etcd_kv_listing_more(listing)),
          revision(gocore_etcd_kv_listing_revision(listing))
    {
        for (size_t n = 0; n < gocore_etcd_kv_listing_len(listing); ++n)
            entries.emplace_back(gocore_etcd_kv_listing_entry(listing, n));
    }
};

} // namespace gocore::etcd

#endif // GOCORE_ETCD_ENTRY_HPP
