package main

import "github.com/spf13/cobra"

func corefileCommand(o *options) *cobra.Command { return &cobra.Command{Use: "corefile"} }
