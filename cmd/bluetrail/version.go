package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the build; a plain go build says "dev".
var version = "dev"

type versionCmd struct{}

func (versionCmd) Run(a *app) error {
	commit := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				commit = " (" + s.Value[:12] + ")"
			}
		}
	}
	_, err := fmt.Fprintf(a.out, "bluetrail %s%s %s/%s %s\n", version, commit, runtime.GOOS, runtime.GOARCH, runtime.Version())
	return err
}
