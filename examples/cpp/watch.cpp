// Feature flags that are always up to date: a watch as a program uses it.
//
//   c++ -std=c++17 watch.cpp -lgocore_etcd -o watch && ./watch [ENDPOINT]...       (127.0.0.1:2379 without)
//
// Then put and delete keys below /go-core/flags/, stop etcd, start it again, compact it. It ends with its input (Ctrl-D).

#include <gocore_etcd.hpp>

#include <iostream>
#include <limits>

namespace etcd = gocore::etcd;

/// Runs on a thread of the library, one update at a time.
static void show(const etcd::WatchUpdate &update)
{
    switch (update.kind()) {
    case etcd::UpdateKind::snapshot:
        // All there is: at the beginning, and again should changes have been missed. Forget what was before.
        std::cout << update.size() << " flags:\n";
        break;
    case etcd::UpdateKind::connected:
        std::cout << (update.connected() ? "up to date\n" : "etcd is away: changes will come later\n");
        break;
    case etcd::UpdateKind::problem:
        // It is tried again.
        std::cerr << update.problem().what() << "\n";
        break;
    case etcd::UpdateKind::changes:
        break;
    }
    for (size_t n = 0; n < update.size(); ++n) {
        if (update.change(n) == etcd::ChangeKind::remove)
            std::cout << update.key(n) << " is gone\n";
        else
            std::cout << update.key(n) << " = " << update.value(n) << "\n";
    }
    std::cout.flush();
}

int main(int argc, char **argv)
try {
    etcd::Config config;
    config.endpoints.assign(argv + 1, argv + argc);
    if (config.endpoints.empty())
        config.endpoints.push_back("127.0.0.1:2379");
    auto client = etcd::Client::connect(config);
    const auto subscription = client.kv().watch(etcd::Range::prefix(client.key({"flags"}) + "/"), show);
    std::cin.ignore(std::numeric_limits<std::streamsize>::max());
    client.close();
    return 0;
} catch (const etcd::Error &error) {
    std::cerr << error.what() << "\n";
    return 1;
}
