package main

import (
	"fmt"
	"sync"

	"github.com/spf13/cobra"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/diagnosis"
)

// namesAtOnce bounds how many names are examined at the same time.
const namesAtOnce = 16

// examine is "doctor NAME...".
func examine(cmd *cobra.Command, o *options, names []string) error {
	d, err := o.doctor(cmd)
	if err != nil {
		return err
	}
	stop := questionsAsked(cmd, d)
	reports := atOnce(names, d.Examine)
	stop()
	if o.json {
		err = writeJSON(cmd.OutOrStdout(), d, reports)
	} else {
		err = writeReports(cmd.OutOrStdout(), d, reports)
	}
	if err != nil {
		return err
	}
	return statusOf(reports)
}

// questionsAsked shows on a terminal how far the asking is, until stop is called.
func questionsAsked(cmd *cobra.Command, d *diagnosis.Doctor) (stop func()) {
	return progress(cmd.ErrOrStderr(), func() string {
		asked, over := d.Progress()
		return fmt.Sprintf("%d questions asked, %d answered or given up", asked, over)
	})
}

// atOnce does something with each name, with some of them at the same time, and returns the results in the order of the names.
func atOnce[T any](names []string, do func(name string) T) []T {
	results := make([]T, len(names))
	free := make(chan bool, namesAtOnce)
	var wg sync.WaitGroup
	for i, name := range names {
		free <- true
		wg.Go(func() {
			results[i] = do(name)
			<-free
		})
	}
	wg.Wait()
	return results
}

// statusOf sums up: one hazard is enough, and one name of which nothing can be told.
func statusOf(reports []diagnosis.Report) error {
	worst := healthy
	for _, r := range reports {
		switch {
		case r.Unclear != "":
			worst = max(worst, unclear)
		case len(r.Hazards) > 0:
			return status(hazards)
		}
	}
	if worst == healthy {
		return nil
	}
	return status(worst)
}
