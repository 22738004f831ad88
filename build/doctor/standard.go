package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// standardCommands adds completion and help, with examples, and has both refuse what they do not know. Call it when
// all others are added and the output is set, which the scripts of completion go to.
func standardCommands(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "completion":
			completion(c)
		case "help":
			c.Example = "  doctor help trace"
			run := c.Run
			c.Run, c.RunE = nil, func(c *cobra.Command, args []string) error {
				if found, _, err := root.Find(args); err != nil || found == root && len(args) > 0 {
					return fmt.Errorf("unknown command %q; expect one of %s", args[0], strings.Join(names(root), ", "))
				}
				run(c, args)
				return nil
			}
		}
	}
}

func completion(c *cobra.Command) {
	c.Example = `  doctor completion bash >/etc/bash_completion.d/doctor
  doctor completion zsh >~/.zfunc/_doctor
  doctor completion fish >~/.config/fish/completions/doctor.fish`
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		return fmt.Errorf("no completion for %q; expect %s", args[0], strings.Join(names(c), ", "))
	}
	for _, shell := range c.Commands() {
		shell.Example = "  doctor completion " + shell.Name()
	}
}

// names returns the names of the subcommands, in order.
func names(c *cobra.Command) (all []string) {
	for _, sub := range c.Commands() {
		all = append(all, sub.Name())
	}
	slices.Sort(all)
	return all
}
