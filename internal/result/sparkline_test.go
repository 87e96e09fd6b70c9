package result

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSparklineInATable(t *testing.T) {
	rows := batch(
		[]any{"u", "ana", "s", []string{"##__SPARKLINE__##", "0", "1", "4", "8"}},
		[]any{"u", "bo", "s", []string{"##__SPARKLINE__##", "0", "0"}},
		[]any{"u", "cy", "s", []string{"##__SPARKLINE__##", "-2", "0", "2"}},
		[]any{"u", "di", "s", []string{"##__SPARKLINE__##", "x"}},
		[]any{"u", "ed", "s", "##__SPARKLINE__##"},
	)
	got, _ := written(t, Options{}, rows)
	want := "u    s\n───  ─────────────────\nana  ▁▂▅█\nbo   ▁▁\ncy   ▁▅█\ndi   ##__SPARKLINE__##\n     x\ned   ##__SPARKLINE__##\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A line of many buckets keeps all of its peaks.
func TestLongSparkline(t *testing.T) {
	vals := []string{"##__SPARKLINE__##"}
	for i := range 1000 {
		vals = append(vals, strconv.Itoa(i/999*7))
	}
	if got, ok := drawn(vals); !ok || got != strings.Repeat("▁", sparkWidth-1)+"█" {
		t.Errorf("%q, %v", got, ok)
	}
}
