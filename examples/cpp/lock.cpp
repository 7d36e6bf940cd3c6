// A job that must run once at a time: the lock as a program uses it.
//
//   c++ -std=c++17 lock.cpp -lgocore_etcd -o lock && ./lock [ENDPOINT]...       (127.0.0.1:2379 without)
//
// Run it in two terminals: the second waits until the first is done. Kill the first with SIGKILL, and the second goes on
// once the TTL has passed.

#include <gocore_etcd.hpp>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;
namespace etcd = gocore::etcd;

/// The work. Its write is refused by etcd, should somebody else own the lock by the time it arrives.
static void work(etcd::Client &client, etcd::Lock &lock)
{
    // One second of work; should the lock be lost meanwhile, stop: the next owner may begin any moment now.
    if (lock.wait_lost(1s)) {
        std::cout << "lost: stop here\n";
        return;
    }
    const auto revision = lock.put(client.key({"reports", "last"}), "all is well");
    std::cout << "the report was written at revision " << revision << "\n";
}

int main(int argc, char **argv)
try {
    etcd::Config config;
    config.endpoints.assign(argv + 1, argv + argc);
    if (config.endpoints.empty())
        config.endpoints.push_back("127.0.0.1:2379");
    auto client = etcd::Client::connect(config);

    std::cout << "waiting for the lock\n";
    etcd::LockOptions options;
    options.ttl = 10s;
    auto lock = client.lock("jobs/report", options);
    std::cout << "holding " << lock.key() << " with fencing token " << lock.token() << "\n";

    work(client, lock);
    lock.unlock(); // throws an error of status LOST if it had been lost
    std::cout << "unlocked\n";
    client.close();
    return 0;
} catch (const etcd::Error &error) {
    std::cerr << error.what() << "\n";
    return 1;
}
