// The library that is loaded.
#ifndef GOCORE_ETCD_VERSION_HPP
#define GOCORE_ETCD_VERSION_HPP

#include "error.hpp"

namespace gocore::etcd {

/// Its version, such as "0.1.0".
inline std::string_view version() noexcept { return detail::view(gocore_etcd_version()); }

} // namespace gocore::etcd

#endif // GOCORE_ETCD_VERSION_HPP
