package main

import (
	"io"
	"testing"

	"github.com/alecthomas/kong"
)

// TestForwardedVerbs: a server knows every verb that opens a data directory.
func TestForwardedVerbs(t *testing.T) {
	var c cli
	parser, err := newParser(&c, io.Discard, io.Discard, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	err = kong.Visit(parser.Model, func(node kong.Visitable, next kong.Next) error {
		if x, ok := node.(*kong.Node); ok && x.Type == kong.CommandNode && x.Target.CanAddr() {
			if f, ok := x.Target.Addr().Interface().(forwarded); ok {
				if n++; verbOf(f) == "" {
					t.Errorf("%s opens a data directory, and a server does not run it", x.FullPath())
				}
			}
		}
		return next(nil)
	})
	if err != nil || n < 10 {
		t.Errorf("%d verbs, %v", n, err)
	}
}
