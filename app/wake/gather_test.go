package wake_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/app/wake"
)

// TestManyAskTogether asks one question, and a hundred while it is on its way.
func TestManyAskTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g wake.Gather[int, int]
		var rounds [][]int
		answer := func(_ context.Context, keys []int) (map[int]int, error) {
			rounds = append(rounds, keys)
			time.Sleep(time.Second)
			found := map[int]int{}
			for _, key := range keys {
				if key%2 == 0 {
					found[key] = key * key
				}
			}
			return found, nil
		}
		type got struct {
			key, value int
			ok         bool
			err        error
		}
		all := make(chan got, 101)
		ask := func(key int) {
			value, ok, err := g.Of(t.Context(), key, answer)
			all <- got{key, value, ok, err}
		}
		go ask(2)
		synctest.Wait()
		for i := range 100 {
			go ask(i % 50)
		}
		for range 101 {
			if a := <-all; a.err != nil || a.ok != (a.key%2 == 0) || a.ok && a.value != a.key*a.key {
				t.Errorf("of %d is said %+v", a.key, a)
			}
		}
		if len(rounds) != 2 || len(rounds[0]) != 1 || len(rounds[1]) != 50 {
			t.Errorf("it was asked in %d rounds: %v", len(rounds), rounds)
		}
	})
}

// TestAnAnswerIsNeverOlderThanItsQuestion changes a thing while it is read.
func TestAnAnswerIsNeverOlderThanItsQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g wake.Gather[string, int]
		now := 1
		answer := func(_ context.Context, keys []string) (map[string]int, error) {
			read := now
			time.Sleep(time.Second)
			return map[string]int{keys[0]: read}, nil
		}
		first := make(chan int, 1)
		go func() {
			value, _, _ := g.Of(t.Context(), "it", answer)
			first <- value
		}()
		synctest.Wait()
		now = 2
		if value, ok, err := g.Of(t.Context(), "it", answer); value != 2 || !ok || err != nil {
			t.Errorf("after the change it is %d, %t, %v", value, ok, err)
		}
		if value := <-first; value != 1 {
			t.Errorf("before it was %d", value)
		}
	})
}

// TestWhoStopsAskingStopsNobodyElse has the first of two leave, and an answer that fails.
func TestWhoStopsAskingStopsNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g wake.Gather[int, int]
		broken := errors.New("no database")
		answer := func(ctx context.Context, _ []int) (map[int]int, error) {
			select {
			case <-time.After(time.Second):
				return nil, broken
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		leaving, leave := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() {
			_, _, err := g.Of(leaving, 1, answer)
			gone <- err
		}()
		synctest.Wait()
		leave()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("who left hears %v", err)
		}
		if _, ok, err := g.Of(t.Context(), 1, answer); ok || !errors.Is(err, broken) {
			t.Errorf("who stayed hears %t, %v", ok, err)
		}
	})
}
