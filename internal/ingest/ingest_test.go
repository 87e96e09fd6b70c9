package ingest

import (
	"context"
	"os"
	"testing"
	"time"
)

func TestZZ(t *testing.T) {
	dir := os.Getenv("ZZDATA")
	if dir == "" {
		t.Skip()
	}
	start := time.Now()
	sum, err := Run(context.Background(), Options{Data: dir, Paths: []string{os.Getenv("ZZPATH")}})
	t.Logf("%+v %v %v", sum, err, time.Since(start))
}
