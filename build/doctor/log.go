package main

import "github.com/spf13/cobra"

func logCommand(o *options) *cobra.Command { return &cobra.Command{Use: "log"} }
