package bench

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// bareWait is how long one waits for a bare event.
const bareWait = 10 * time.Second

// bareWakes times the least that a wake-up can be: somebody is told, and one byte
// comes out of a socket on loopback. tell is nil for a channel within a process.
func (r *run) bareWakes(ctx context.Context, tell func(context.Context) error, told <-chan struct{}) ([]time.Duration, error) {
	if tell == nil {
		bell := make(chan struct{}, 1)
		tell, told = func(context.Context) error { bell <- struct{}{}; return nil }, bell
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("bench: bare wake-up: %w", err)
	}
	over, stop := context.WithCancel(ctx)
	var serving sync.WaitGroup
	defer serving.Wait()
	defer stop()
	serving.Go(func() {
		defer listener.Close()
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		for {
			select {
			case <-told:
				if _, err := conn.Write([]byte{'.'}); err != nil {
					return
				}
			case <-over.Done():
				return
			}
		}
	})
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		listener.Close() // ends who waits for it
		return nil, fmt.Errorf("bench: bare wake-up: %w", err)
	}
	defer conn.Close()
	times := make([]time.Duration, 0, r.options.Wakes)
	for range r.options.Wakes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		began := time.Now()
		if err := conn.SetReadDeadline(began.Add(bareWait)); err != nil {
			return nil, err
		}
		if err := tell(ctx); err != nil {
			return nil, fmt.Errorf("bench: bare wake-up: %w", err)
		}
		var one [1]byte
		if _, err := conn.Read(one[:]); err != nil {
			return nil, fmt.Errorf("bench: bare wake-up: %w", err)
		}
		times = append(times, time.Since(began))
	}
	return times, nil
}
