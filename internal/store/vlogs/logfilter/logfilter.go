// Package logfilter keeps out of the standard logger what libraries write for
// information only. VictoriaMetrics' metrics library does so while the program
// starts, on kernels without pressure files; this package is initialised before
// it, since its import path sorts first.
package logfilter

import (
	"bytes"
	"io"
	"log"
	"os"
)

func init() { log.SetOutput(filter{os.Stderr}) }

type filter struct{ to io.Writer }

func (f filter) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("INFO:")) {
		return len(p), nil
	}
	return f.to.Write(p)
}
