package servertest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
)

var given sync.Map // ports

// FreeAddress is one on loopback that nobody listens on, nor will between two starts of a
// process: its port is below those that the system gives out by itself, and it is given once.
func FreeAddress(t testing.TB) string {
	t.Helper()
	for range 1000 {
		port := 15_000 + rand.IntN(15_000)
		if _, taken := given.LoadOrStore(port, true); taken {
			continue
		}
		if listener, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port)); err == nil {
			_ = listener.Close()
			return listener.Addr().String()
		}
	}
	t.Fatal("no address is free")
	return ""
}
