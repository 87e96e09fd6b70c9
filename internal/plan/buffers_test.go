package plan_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/store/files"
	"bluetrail/internal/store/memory"

	"github.com/google/go-cmp/cmp"
)

// TestReadBuffersAreUsedAgain runs commands that collect rows during the scan
// over many files, which are read into the same buffers.
func TestReadBuffersAreUsedAgain(t *testing.T) {
	dir := t.TempDir()
	mem := memory.New()
	for f := range 60 {
		var text strings.Builder
		for i := range 50 {
			raw := fmt.Sprintf(`{"_time":%d,"id":"event-%02d-%02d","kind":"kind-%02d","n":"%d","at":"2024-01-%02dT10:00:%02dZ"}`, 1700000000+i, f, i, (f*7+i)%23, (f*i)%97, 1+f%28, i)
			text.WriteString(raw + "\n")
			if _, err := mem.Add([]byte(raw), &event.Meta{Index: "aws", Sourcetype: event.JSON, Source: "x", Host: "aws"}); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(fmt.Sprintf("%s/%02d.json", dir, f), []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	st, err := files.Open([]string{dir}, files.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"* | stats count values(kind) mode(kind) min(id) max(id) dc(id) latest(n) earliest(n) avg(n) median(n) p90(n) stdev(n) range(n) estdc(id) by kind",
		"* | chart count max(id) over kind by n limit=0", "* | chart values(id) over kind", "* | timechart span=10s max(id) by kind limit=0",
		"* | top limit=0 id", "* | rare limit=0 kind by n", "* | contingency kind n", "* | fieldsummary kind id n", "* | makemv delim=\"-\" id | cofilter kind id", "* | sistats count by kind | stats count by kind",
		`* | eval a=replace(id,"event-(\d+)-(\d+)","\2.\1"), b=upper(kind), c=strftime(strptime(at,"%Y-%m-%dT%H:%M:%SZ"),"%d/%S"), d=if(match(id,"-0[0-4]-"),kind,id), e=substr(id,7), f=mvindex(split(id,"-"),1), g=relative_time(_time,"@m"), h=md5(id) | stats count by a b c d e f g h`,
		`* | eval a=replace(id,"event-","x"), b=if(match(id,"^(?=event-0)e"),"y","n"), c=if(searchmatch("id=event-0*"),1,0), d=if(like(id,"%-07"),1,0), e=strftime(_time+n,"%H:%M:%S"), f=lower(id).kind | stats count by a b c d e f`,
		`* | rex field=id "event-(?<x>\d+)-(?<y>\d+)" | stats count by x y`, `* | bin span=7 n | stats count by n kind`, `* | spath input=_raw path=id output=z | stats count by z`,
		`* | makemv delim="-" id | mvexpand id | stats count by id`, `* | eval {kind}=id | stats values(kind-*) as v*`, `* | strcat id "/" kind k | stats count by k`, `* | replace event-0* WITH zero-* IN id | stats count by id`, `* | convert rmunit(id) as u | stats count by kind u`, `* | fillnull value=none q | stats count by q id`, `* | foreach id kind [eval <<FIELD>>=<<FIELD>>."!"] | stats count by id kind`,
	} {
		var out [2][]string
		for i := range 2 {
			env := exec.NewEnv(time.Unix(1700000000, 0).UTC())
			var rows []string
			if i == 0 {
				_, rows, err = evaluate(text, mem, env)
			} else {
				_, rows, err = evaluate(text, st, env)
			}
			if err != nil {
				t.Errorf("%s: %v", text, err)
			}
			slices.Sort(rows)
			out[i] = rows
		}
		if diff := cmp.Diff(out[0], out[1]); diff != "" || len(out[0]) == 0 {
			t.Errorf("%s: %d rows (-memory +files)\n%.600s", text, len(out[0]), diff)
		}
	}
}
