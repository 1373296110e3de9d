package peer

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"testing"
)

// FreePort is a port of loopback that nobody listens on. Until the end of the
// test no other test of the machine gets it, in whatever process, and the
// system does not give it to who connects to somewhere.
func FreePort(t testing.TB) int {
	t.Helper()
	first, last := testPorts(t)
	for range 1000 {
		port := first + rand.IntN(last-first+1)
		// A name in the abstract namespace is taken once in the machine, or
		// rather in its network, as a port is, and is free with the process.
		claim, err := net.Listen("unix", fmt.Sprintf("@imsconv-test-port-%d", port))
		if err != nil {
			continue
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			claim.Close()
			continue
		}
		l.Close()
		t.Cleanup(func() { claim.Close() })
		return port
	}
	t.Fatalf("no port of %d to %d is free", first, last)
	return 0
}

// testPorts are the first and the last port of those below the ones that the
// system gives to who connects.
func testPorts(t testing.TB) (first, last int) {
	t.Helper()
	const fewest = 2000
	low := 32768 // where the system does not say
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		if _, err := fmt.Sscan(string(text), &low); err != nil {
			t.Fatal(err)
		}
	}
	if low < 1024+fewest {
		return 1024, 65535 // the system gives nearly all of them
	}
	return max(1024, low-10*fewest), low - 1
}
