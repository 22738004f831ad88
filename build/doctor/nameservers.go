package main

import (
	"github.com/spf13/cobra"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/diagnosis"
)

func nameserversCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:   "nameservers NAME...",
		Short: "Ask every name server, and show who wins the race and where they disagree",
		Long: `Nameservers asks every name server of the resolv.conf what the libcs would ask for each NAME. musl asks all of them at
once and takes the first answer of any, even if it is "no such name"; glibc asks them in order and goes on only where one
fails. The output shows what each server says and how fast, and what each libc gets if one server or another is first.

The exit status is 1 if the result of a lookup depends on who is first, or if a libc waits for a server that is silent.`,
		Example: `  doctor nameservers www.example.org
  doctor nameservers --server 10.96.0.10,192.0.2.53 --search cluster.local --ndots 5 www.example.org`,
		Args: atLeast(1, "a NAME"),
		RunE: func(cmd *cobra.Command, names []string) error { return nameservers(cmd, o, names) },
	}
	o.lookupFlags(c.Flags())
	c.ValidArgsFunction = cobra.NoFileCompletions
	return c
}

func nameservers(cmd *cobra.Command, o *options, names []string) error {
	d, err := o.doctor(cmd)
	if err != nil {
		return err
	}
	stop := questionsAsked(cmd, d)
	races := atOnce(names, d.Race)
	stop()
	if o.json {
		err = encode(cmd.OutOrStdout(), racesToJSON(d, races))
	} else {
		err = writeRaces(cmd.OutOrStdout(), d, races)
	}
	if err != nil {
		return err
	}
	return statusOfRaces(races)
}

// statusOfRaces sums up: one race whose result matters is enough, and one name to which no server has an answer.
func statusOfRaces(races []diagnosis.Race) error {
	worst := healthy
	for _, r := range races {
		if len(r.Hazards()) > 0 {
			return status(hazards)
		}
		if !answered(r) {
			worst = unclear
		}
	}
	if worst != healthy {
		return status(worst)
	}
	return nil
}

func answered(r diagnosis.Race) bool {
	for _, q := range r.Questions {
		if q.Answered() {
			return true
		}
	}
	return false
}
