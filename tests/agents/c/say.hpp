// What the parts of the C++ agent share: how it says what happens.
#ifndef SAY_HPP
#define SAY_HPP

#include <gocore_etcd.hpp>

#include "wire.h"

#include <iostream>
#include <mutex>
#include <sstream>

namespace etcd = gocore::etcd;

/// One line at a time, from whatever thread.
template <typename... Parts> void say(const Parts &...parts)
{
    static std::mutex saying;
    const std::lock_guard<std::mutex> one(saying);
    (std::cout << ... << parts) << std::endl;
}

inline std::string text(const std::string &line, const char *field)
{
    char value[1024];
    text_of(line.c_str(), field, value, sizeof value);
    return value;
}

/// A text as JSON writes it, for any thread.
inline std::string json(std::string_view text)
{
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            out += '\\';
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return out + '"';
}

inline void failed(const std::string &what, const etcd::Error &error)
{
    say(R"({"event":"failed","do":")", what, R"(","kind":")", kind_of(error.status()), R"(","message":)",
        json(error.what()), "}");
}

#endif
