// Command reference writes docs/detections.md from the rules that ship, and counts
// findings for its column of ordinary days.
//
//	reference [file]
//	reference -count EVENTS DAYS < findings.json > rules/reference/ordinary.csv
package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/detect/rule"
)

func main() {
	log.SetFlags(0)
	args := os.Args[1:]
	if len(args) == 3 && args[0] == "-count" {
		if err := count(os.Stdin, os.Stdout, args[1], args[2]); err != nil {
			log.Fatal(err)
		}
		return
	}
	file := "docs/detections.md"
	if len(args) == 1 {
		file = args[0]
	}
	if len(args) > 1 || strings.HasPrefix(file, "-") {
		log.Fatal("usage: reference [file] | -count EVENTS DAYS")
	}
	text, err := page(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		log.Fatal(err)
	}
}

// count reads the findings that hunt -o json writes, and writes how many each rule has.
func count(in io.Reader, out io.Writer, events, days string) error {
	findings := map[string]int{}
	alerting, above := 0, 0
	d := json.NewDecoder(bufio.NewReader(in))
	for {
		var f struct {
			Rule     string        `json:"rule"`
			Severity rule.Severity `json:"severity"`
		}
		if err := d.Decode(&f); err == io.EOF {
			break
		} else if err != nil {
			return fmt.Errorf("cannot read the findings: %w", err)
		}
		findings[f.Rule]++
		if f.Severity.Rank() > rule.Informational.Rank() {
			alerting++
		}
		if f.Severity.Rank() > rule.Low.Rank() {
			above++
		}
	}
	w := csv.NewWriter(out)
	rows := [][]string{{"events", events}, {"days", days}, {"alerting", strconv.Itoa(alerting)}, {"above low", strconv.Itoa(above)}}
	for _, name := range slices.Sorted(maps.Keys(findings)) {
		rows = append(rows, []string{name, strconv.Itoa(findings[name])})
	}
	return w.WriteAll(rows)
}
