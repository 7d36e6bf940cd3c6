# find_package(gocore_etcd @VERSION@ REQUIRED)
# target_link_libraries(program PRIVATE gocore_etcd::gocore_etcd)         or gocore_etcd::static
#
# Where this file lies says where the rest is: the installation may be moved as a whole.
get_filename_component(_gocore_etcd_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

if(NOT TARGET gocore_etcd::gocore_etcd)
  add_library(gocore_etcd::gocore_etcd SHARED IMPORTED)
  set_target_properties(gocore_etcd::gocore_etcd PROPERTIES
    IMPORTED_LOCATION "${_gocore_etcd_prefix}/lib/libgocore_etcd.so.@VERSION@"
    IMPORTED_SONAME "libgocore_etcd.so.0"
    INTERFACE_INCLUDE_DIRECTORIES "${_gocore_etcd_prefix}/include")

  add_library(gocore_etcd::static STATIC IMPORTED)
  set_target_properties(gocore_etcd::static PROPERTIES
    IMPORTED_LOCATION "${_gocore_etcd_prefix}/lib/libgocore_etcd.a"
    INTERFACE_INCLUDE_DIRECTORIES "${_gocore_etcd_prefix}/include"
    INTERFACE_LINK_LIBRARIES "@STATIC_LIBS@")
endif()

unset(_gocore_etcd_prefix)
