package ingest

import (
	"context"
	"testing"
)

func TestZZ(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		sum, err := Run(context.Background(), Options{Data: dir, Paths: []string{"/tmp/pile100k"}})
		t.Logf("%+v %v", sum, err)
	}
}
