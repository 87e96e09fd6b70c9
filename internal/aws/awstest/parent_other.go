//go:build !linux

package awstest

import "syscall"

func dieWithParent() *syscall.SysProcAttr { return nil }
