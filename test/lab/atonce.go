package lab

import "sync"

// AtOnce calls a function with each element of a list, with at most n of them at the same time.
func AtOnce[T any](most int, list []T, do func(T)) {
	var wg sync.WaitGroup
	free := make(chan struct{}, most)
	for _, x := range list {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			do(x)
		})
	}
	wg.Wait()
}
