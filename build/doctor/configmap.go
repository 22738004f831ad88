package main

import "github.com/spf13/cobra"

func configmapCommand(o *options) *cobra.Command { return &cobra.Command{Use: "configmap"} }
