package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"bluetrail/dashboards"
	"bluetrail/internal/dashboard"
	"bluetrail/internal/diag"
)

type dashboardCmd struct {
	List   dashboardListCmd   `cmd:"" help:"List the dashboards that come with bluetrail."`
	Check  dashboardCheckCmd  `cmd:"" help:"Check dashboard files: their form, their searches and the inputs that these read."`
	Import dashboardImportCmd `cmd:"" help:"Turn a Splunk dashboard (Simple XML) into a dashboard file, and name what does not carry over."`
	Export dashboardExportCmd `cmd:"" help:"Print the file of a dashboard that comes with bluetrail, as a start for one of your own."`
}

// shippedDashboards returns the embedded dashboards by title.
func shippedDashboards() ([]*dashboard.Dashboard, error) {
	names, err := fs.Glob(dashboards.Files, "*.yml")
	if err != nil {
		return nil, err
	}
	var list []*dashboard.Dashboard
	for _, name := range names {
		data, err := dashboards.Files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		d, err := dashboard.Parse(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b *dashboard.Dashboard) int { return cmp.Compare(a.Title, b.Title) })
	return list, nil
}

type dashboardListCmd struct{}

func (c *dashboardListCmd) Run(a *app) error {
	list, err := shippedDashboards()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "id\tpanels\ttitle\tdescription")
	for _, d := range list {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", d.ID, len(d.Panels()), d.Title, d.Description)
	}
	return w.Flush()
}

type dashboardCheckCmd struct {
	Files     []string `arg:"" name:"file" help:"Files, or folders of .yml files."`
	Knowledge []string `help:"Folder of macros and lookups; repeatable." placeholder:"DIR"`
}

func (c *dashboardCheckCmd) Run(a *app) error {
	know, err := a.knowledge("", c.Knowledge)
	if err != nil {
		return err
	}
	var names []string
	for _, f := range c.Files {
		info, err := os.Stat(a.path(f))
		if err != nil {
			return usage("cannot open dashboards: %w", err)
		}
		if !info.IsDir() {
			names = append(names, f)
			continue
		}
		found, err := filepath.Glob(filepath.Join(escapeGlob(a.path(f)), "*.yml"))
		if err != nil {
			return usage("cannot open dashboards: %w", err)
		}
		if len(found) == 0 {
			return usage("no .yml file in %q", f)
		}
		names = append(names, found...)
	}
	bad := 0
	for _, name := range names {
		data, err := readBounded(a.path(name), dashboard.MaxBytes)
		if err != nil {
			bad++
			a.warn("%v", err)
			continue
		}
		d, faults, err := dashboard.Check(data, know)
		if err != nil {
			bad++
			for _, l := range strings.Split(err.Error(), "\n") {
				fmt.Fprintf(a.out, "%s: %s\n", diag.Printable(name), diag.Printable(l))
			}
			continue
		}
		if len(faults) > 0 {
			bad++
		}
		for _, f := range faults {
			fmt.Fprintf(a.out, "%s: %s: ", diag.Printable(name), diag.Printable(f.Where))
			if e := f.Place(); e != nil {
				fmt.Fprint(a.out, e.Underlined())
			} else {
				fmt.Fprintln(a.out, diag.Printable(f.Err.Error()))
			}
		}
		if len(faults) == 0 {
			fmt.Fprintf(a.out, "%s: ok, %s\n", diag.Printable(name), count(len(d.Panels()), "panel"))
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d of %s cannot be used as they are", bad, count(len(names), "dashboard"))
	}
	return nil
}

// escapeGlob makes a path match itself.
func escapeGlob(p string) string {
	return strings.NewReplacer(`*`, `[*]`, `?`, `[?]`, `[`, `[[]`).Replace(p)
}

// readBounded reads a file of at most most bytes.
func readBounded(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read file: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", path, err)
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("%q has more than %d bytes", path, most)
	}
	return data, nil
}

type dashboardImportCmd struct {
	File      string   `arg:"" help:"Dashboard or form in Simple XML, as Splunk shows it under \"Edit > Source\"."`
	Out       string   `help:"File to write (default: stdout); it must not exist." placeholder:"FILE"`
	Knowledge []string `help:"Folder of macros and lookups that the searches use; repeatable." placeholder:"DIR"`
}

func (c *dashboardImportCmd) Run(a *app) error {
	know, err := a.knowledge("", c.Knowledge)
	if err != nil {
		return err
	}
	data, err := readBounded(a.path(c.File), dashboard.MaxBytes)
	if err != nil {
		return usageError{err}
	}
	d, left, err := dashboard.FromSimpleXML(data, know)
	for _, l := range left {
		a.warn("not carried over: %s", l)
	}
	if err != nil {
		return usage("cannot import %q: %w", c.File, err)
	}
	text, err := d.Marshal()
	if err != nil {
		return err
	}
	if c.Out == "" {
		_, err = a.out.Write(text)
	} else {
		err = writeNew(a.path(c.Out), text)
	}
	if err == nil {
		a.note("%s imported, %s not carried over", count(len(d.Panels()), "panel"), count(len(left), "thing"))
	}
	return err
}

// writeNew writes a file that must not exist.
func writeNew(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return usage("cannot write file: %w", err)
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

type dashboardExportCmd struct {
	ID string `arg:"" help:"The id of the dashboard."`
}

func (c *dashboardExportCmd) Run(a *app) error {
	data, err := dashboards.Files.ReadFile(c.ID + ".yml")
	if err == nil {
		_, err = a.out.Write(data)
		return err
	}
	list, err := shippedDashboards()
	if err != nil {
		return err
	}
	var ids []string
	for _, d := range list {
		ids = append(ids, d.ID)
	}
	return usage("there is no dashboard %q; %s", c.ID, diag.Suggest(c.ID, ids, "dashboards"))
}
