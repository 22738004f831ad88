package lab

import "sync"

// AtOnce does something with each element of a list, with so many of them at the same time at the most.
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
