package cmd

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Kmeans clusters rows by their numeric fields.
type Kmeans struct {
	K, MostK  int // MostK > K: a table of how well each number of clusters fits
	Reps      int
	MaxIters  int
	Tolerance float64
	Distance  string // l1, l2 or cos
	Number    string // cfield
	Centroids bool
	Fields    []string // names and patterns; none = all numeric fields
}

// Limits of the options, following Splunk's limits.conf.
const (
	maxMeans        = 1000
	maxMeansOfRange = 50 // for a range of k
	meansSeed       = 1  // random seed; fixed so that a search is reproducible
)

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "kmeans", Kind: syntax.KindSerial,
		Summary: "Group rows into clusters by their numbers.",
		Syntax:  "kmeans [k=<n>|<n>-<n>] [reps=<n>] [maxiters=<n>] [t=<n>] [dt=l1|l2|cos] [cfield=<field>] [showcentroid=<bool>] [<field-list>]",
		Doc: "Runs Lloyd's algorithm `reps` times from rows that are far apart and uses the tightest clusters. Rows get the number\n" +
			"of their cluster and its center, `centroid_<field>`, and the rows of a cluster stay together; clusters are sorted by\n" +
			"their centers. Rows that lack one of the numbers come last, without a cluster. With a range for k there is a row for\n" +
			"each k, with its `distortion`, the sum of the distances to the centers, and the cluster sizes. The same rows always\n" +
			"give the same clusters. All rows are held in memory.",
		Args: []syntax.Arg{
			{Name: "k", Default: "2", Doc: "Number of clusters, up to 1,000, or a range up to 50."},
			{Name: "reps", Default: "10", Doc: "Number of runs."},
			{Name: "maxiters", Default: "10000", Doc: "Maximum number of iterations of each run."},
			{Name: "t", Default: "0", Doc: "A run ends when the centers move no further than this."},
			{Name: "dt", Default: "sqeuclidean", Doc: "The distance: `l1`, `l1norm`, `cityblock`, `cb`; `l2`, `l2norm`, `sq`, `sqeuclidean`; `cos`, `cosine`."},
			{Name: "cfield", Default: "CLUSTERNUM", Doc: "The field for the cluster number."},
			{Name: "showcentroid", Default: "true", Doc: "Whether to add the centers to the rows."},
			{Name: "<field-list>", Default: "all", Doc: "The fields to use; by default, those whose values are all numbers."},
		},
		Examples: []syntax.Example{{
			Search: "| makeresults format=csv data=\"u,n\na,1\nb,90\nc,3\nd,94\" | kmeans k=2 n",
			Want: []string{
				`{"u":"a","n":"1","CLUSTERNUM":"1","centroid_n":"2"}`, `{"u":"c","n":"3","CLUSTERNUM":"1","centroid_n":"2"}`,
				`{"u":"b","n":"90","CLUSTERNUM":"2","centroid_n":"92"}`, `{"u":"d","n":"94","CLUSTERNUM":"2","centroid_n":"92"}`,
			},
		}},
		Parse: parseKmeans,
	})
}

func parseKmeans(p *syntax.Parser) (syntax.Command, error) {
	c := &Kmeans{K: 2, MostK: 2, Reps: 10, MaxIters: 10000, Distance: "l2", Number: "CLUSTERNUM", Centroids: true}
	var err error
	c.Fields, err = p.OptionsAndFields([]string{"k", "reps", "maxiters", "t", "dt", "cfield", "showcentroid"}, c.option)
	return c, err
}

func (c *Kmeans) option(o syntax.Option) (err error) {
	text := strings.ToLower(o.Value.Text)
	switch o.Name {
	case "k":
		from, to, span := strings.Cut(text, "-")
		if !span {
			to = from
		}
		lo, lerr := strconv.Atoi(from)
		hi, herr := strconv.Atoi(to)
		most := maxMeans
		if span {
			most = maxMeansOfRange
		}
		if lerr != nil || herr != nil || lo < 1 || hi < lo || hi > most {
			return diag.At(o.Value.Span, "k must be a number of clusters or a range such as 2-5, not %q", o.Value.Text).WithHint("at most %d, in a range %d", maxMeans, maxMeansOfRange)
		}
		c.K, c.MostK = lo, hi
	case "reps":
		c.Reps, err = o.Int(1)
	case "maxiters":
		c.MaxIters, err = o.Int(1)
	case "t":
		if c.Tolerance, err = op.Number(o); err == nil && !(c.Tolerance >= 0) {
			err = diag.At(o.Value.Span, "t must not be negative")
		}
	case "dt":
		switch text {
		case "l1", "l1norm", "cityblock", "cb":
			c.Distance = "l1"
		case "l2", "l2norm", "sq", "sqeuclidean":
			c.Distance = "l2"
		case "cos", "cosine":
			c.Distance = "cos"
		default:
			return diag.At(o.Value.Span, "%q is not a distance", o.Value.Text).WithHint("l1, l2 or cos")
		}
	case "cfield":
		c.Number = o.Value.Text
	case "showcentroid":
		c.Centroids, err = o.Bool()
	}
	return err
}

// Print implements syntax.Command.
func (c *Kmeans) Print() string {
	s := "kmeans k=" + strconv.Itoa(c.K)
	if c.MostK > c.K {
		s += "-" + strconv.Itoa(c.MostK)
	}
	s += " reps=" + strconv.Itoa(c.Reps) + " maxiters=" + strconv.Itoa(c.MaxIters) + " t=" + vector.FormatNumber(c.Tolerance) +
		" dt=" + c.Distance + " cfield=" + syntax.PrintOption(c.Number) + " showcentroid=" + strconv.FormatBool(c.Centroids)
	if len(c.Fields) > 0 {
		s += " " + syntax.PrintFields(c.Fields)
	}
	return s
}

// Needs implements syntax.Command.
func (c *Kmeans) Needs(out filter.FieldSet) filter.FieldSet {
	if len(c.Fields) == 0 {
		return filter.AllFields()
	}
	return out.Add(c.Fields...)
}

// Open implements exec.Serial.
func (c *Kmeans) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	return op.Gathered(env, in, func(ctx context.Context, rows []*vector.Batch) (exec.Operator, error) {
		return c.run(ctx, env, rows)
	}), nil
}

// place is the position of a row in the batches.
type place struct{ batch, row int }

func (c *Kmeans) run(ctx context.Context, env *exec.Env, rows []*vector.Batch) (exec.Operator, error) {
	names := c.numeric(env, rows)
	var points [][]float64
	var in, out []place
	held := env.Memory.Hold()
	emitted := false
	defer func() {
		if !emitted {
			held.Release()
		}
	}()
	for n, b := range rows {
		cols := make([][]vector.Value, len(names))
		for i, name := range names {
			cols[i] = op.Present(b, name)
		}
		if err := held.Add(8 * (len(names) + 6) * b.Len); err != nil {
			return nil, err
		}
		for i := range b.Len {
			env.Poll()
			point, all := make([]float64, len(names)), len(names) > 0
			for j := range names {
				f, ok := cols[j][i].Num()
				point[j], all = f, all && ok && f-f == 0
			}
			if !all {
				out = append(out, place{n, i})
				continue
			}
			points, in = append(points, point), append(in, place{n, i})
		}
	}
	if len(points) == 0 && len(out) > 0 {
		env.Warn("kmeans: no row has a number in each of the fields")
	}
	if c.MostK > c.K {
		return c.compare(ctx, points)
	}
	best, err := c.cluster(ctx, points, c.K)
	if err != nil {
		return nil, err
	}
	emitted = true
	return exec.Emitted(func(ctx context.Context, emit func(*vector.Batch) error) error {
		return c.rows(ctx, env, rows, names, in, out, best, emit)
	}, held.Release), nil
}

// numeric returns the listed fields that contain numbers or, without a list,
// the fields in which every value is a number.
func (c *Kmeans) numeric(env *exec.Env, rows []*vector.Batch) []string {
	var names []string
	for _, name := range op.ColumnNames(rows) {
		if !op.Listed(c.Fields, name) {
			continue
		}
		if some, all := numeric(env, rows, name); some && (all || len(c.Fields) > 0) {
			names = append(names, name)
		}
	}
	return names
}

// compare returns the table for a range of k.
func (c *Kmeans) compare(ctx context.Context, points [][]float64) (exec.Operator, error) {
	b := vector.NewBuilder("k", "distortion", "size")
	for k := c.K; k <= c.MostK && len(points) > 0; k++ {
		found, err := c.cluster(ctx, points, k)
		if err != nil {
			return nil, err
		}
		sizes := make([]int, len(found.centres))
		for _, n := range found.of {
			sizes[n]++
		}
		texts := make([]string, len(sizes))
		for i, n := range sizes {
			texts[i] = strconv.Itoa(n)
		}
		b.Add()
		b.SetAt(0, vector.Int(k))
		b.SetAt(1, vector.Float(found.distortion))
		b.SetAt(2, vector.Strings(texts))
	}
	return exec.Rows(b.Batch()), nil
}

// rows emits the rows ordered by cluster, and rows without a cluster last.
func (c *Kmeans) rows(ctx context.Context, env *exec.Env, rows []*vector.Batch, names []string, in, out []place, found *means, emit func(*vector.Batch) error) error {
	order := make([]int, len(in))
	for i := range order {
		order[i] = i
	}
	exec.Sort(env, order, func(a, b int) int { return cmp.Or(found.of[a]-found.of[b], a-b) })
	b := op.NewEmitter(emit, op.ColumnNames(rows))
	for _, i := range order {
		b.AddRow(rows[in[i].batch], in[i].row)
		n := found.of[i]
		b.Set(c.Number, vector.Int(n+1))
		if c.Centroids {
			for j, name := range names {
				b.Set("centroid_"+name, vector.Float(found.centres[n][j]))
			}
		}
		if err := b.Row(ctx); err != nil {
			return err
		}
	}
	for _, at := range out {
		b.AddRow(rows[at.batch], at.row)
		if err := b.Row(ctx); err != nil {
			return err
		}
	}
	return b.End()
}
