package main

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// The names under which kubectl finds doctor: as kubectl muslsafe, and to complete its command line.
const (
	pluginName   = "kubectl-muslsafe"
	completeName = "kubectl_complete-muslsafe"
)

// commandLine returns the command line of a program by the name that it was called by, and its arguments.
func commandLine(program string, args []string) (*cobra.Command, []string) {
	name := strings.TrimSuffix(filepath.Base(program), ".exe")
	if name != pluginName && name != completeName {
		return rootCommand(), args
	}
	if len(args) > 1 && args[0] == "cluster" || len(args) == 1 && args[0] == "cluster" && name == pluginName {
		args = args[1:] // as the documents call it
	}
	if name == completeName {
		args = append([]string{cobra.ShellCompRequestCmd}, args...)
	}
	return pluginCommand(), args
}

// pluginCommand is doctor cluster, with the other commands below it.
func pluginCommand() *cobra.Command {
	root := rootCommand()
	plugin := take(root, "cluster")
	for _, c := range root.Commands() {
		root.RemoveCommand(c)
		plugin.AddCommand(c)
	}
	plugin.Use = pluginName + " [NAME...]"
	plugin.Version = version
	plugin.CompletionOptions.HiddenDefaultCmd = true // kubectl completes by kubectl_complete-muslsafe
	plugin.SilenceErrors, plugin.SilenceUsage = true, true
	plugin.PersistentPreRunE = root.PersistentPreRunE
	plugin.SetFlagErrorFunc(root.FlagErrorFunc())
	plugin.PersistentFlags().AddFlagSet(root.PersistentFlags())
	plugin.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl muslsafe"}
	plugin.Example = strings.NewReplacer("doctor cluster         ", "kubectl muslsafe       ", "doctor cluster", "kubectl muslsafe").Replace(plugin.Example)
	return plugin
}

// take takes a command out of another one.
func take(root *cobra.Command, name string) *cobra.Command {
	for _, c := range root.Commands() {
		if c.Name() == name {
			root.RemoveCommand(c)
			return c
		}
	}
	panic("no command " + name)
}
