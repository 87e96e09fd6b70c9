package permission

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// called matches the types of the SDK without which an operation cannot be called.
var called = regexp.MustCompile(`^(?:New)?([A-Z]\w*?)(?:Input|Paginator|Waiter)$`)

// handmade matches operations that are called without the SDK's client for them.
var handmade = regexp.MustCompile(`^"(Describe|Select|BatchImport|Get|List)[A-Z]\w+"$`)

// handmadeIn are the files that make such calls, with the service that they call.
var handmadeIn = map[string]string{
	"internal/inventory/inventory.go": "ec2", "internal/inventory/aggregate.go": "config",
}

// callsOf returns the calls that a file makes, as service.Operation.
func callsOf(name string, src any) (list []string, err error) {
	f, err := parser.ParseFile(token.NewFileSet(), name, src, 0)
	if err != nil {
		return nil, err
	}
	services := map[string]string{} // by the name that the file gives the package
	for _, im := range f.Imports {
		at, err := strconv.Unquote(im.Path.Value)
		if err != nil {
			return nil, err
		}
		if service, ok := strings.CutPrefix(at, "github.com/aws/aws-sdk-go-v2/service/"); ok && !strings.Contains(service, "/") {
			local := path.Base(at)
			if im.Name != nil {
				local = im.Name.Name
			}
			services[local] = service
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if !ok {
				break
			}
			if m := called.FindStringSubmatch(n.Sel.Name); services[x.Name] != "" && m != nil {
				list = append(list, services[x.Name]+"."+m[1])
			}
			if x.Name == "stscreds" && n.Sel.Name == "NewAssumeRoleProvider" {
				list = append(list, "sts.AssumeRole")
			}
		case *ast.CallExpr:
			if service, operation, ok := jsonCall(n); ok {
				list = append(list, service+"."+operation)
			}
			// With nil for its input, an operation needs no type.
			if s, ok := n.Fun.(*ast.SelectorExpr); ok && len(services) > 0 && len(n.Args) >= 2 {
				if nilArg, ok := n.Args[1].(*ast.Ident); ok && nilArg.Name == "nil" && slices.ContainsFunc(Calls, func(c Call) bool { return c.Operation == s.Sel.Name }) {
					list = append(list, "give the input of "+s.Sel.Name)
				}
			}
		case *ast.BasicLit:
			if service, ok := handmadeIn[name]; ok && n.Kind == token.STRING && handmade.MatchString(n.Value) {
				text, _ := strconv.Unquote(n.Value)
				list = append(list, service+"."+text)
			}
		}
		return true
	})
	return list, nil
}

// jsonCall returns what a call of aws.Client's JSON calls.
func jsonCall(n *ast.CallExpr) (service, operation string, ok bool) {
	s, ok := n.Fun.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != "JSON" || len(n.Args) != 6 {
		return "", "", false
	}
	text := func(e ast.Expr) string {
		lit, ok := e.(*ast.BasicLit)
		if !ok {
			return "give the name as a literal"
		}
		t, _ := strconv.Unquote(lit.Value)
		return t
	}
	return text(n.Args[1]), text(n.Args[2]), true
}

// TestCalls reads the whole program: what it calls is in Calls, and the other way round.
func TestCalls(t *testing.T) {
	found := map[string]bool{}
	root := os.DirFS("../../..")
	for _, dir := range []string{"internal", "cmd"} {
		err := fs.WalkDir(root, dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.Contains(name, "/awstest/") {
				return err
			}
			src, err := fs.ReadFile(root, name)
			if err != nil {
				return err
			}
			if _, ours := handmadeIn[name]; !ours && !strings.Contains(string(src), "aws-sdk-go-v2/") && !strings.Contains(string(src), "bluetrail/internal/aws\"") && !strings.HasPrefix(name, "internal/aws/") {
				return nil
			}
			list, err := callsOf(name, src)
			for _, call := range list {
				service, operation, _ := strings.Cut(call, ".")
				if !Known(service, operation) {
					t.Errorf("%s: %s is not in permission.Calls, so no policy permits it", name, call)
				}
				found[call] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	// Made by S3, by hand in a way that needs no name here, and by sources that the role
	// is ready for.
	for _, call := range []string{
		"kms.Decrypt", "securityhub.BatchImportFindings",
		"cloudtrail.ListPublicKeys", "cloudtrail.LookupEvents", "sqs.ChangeMessageVisibilityBatch", "sqs.DeleteMessageBatch", "sqs.ReceiveMessage",
	} {
		found[call] = true
	}
	for _, c := range Calls {
		if name := c.Service + "." + c.Operation; !found[name] {
			t.Errorf("nothing calls %s any more: remove it from permission.Calls", name)
		}
	}
	if !slices.IsSortedFunc(Calls, func(a, b Call) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Operation, b.Operation))
	}) {
		t.Error("Calls are not sorted")
	}
}

// TestCallsOf: the reader of calls finds them.
func TestCallsOf(t *testing.T) {
	src := `package x
import ("github.com/aws/aws-sdk-go-v2/service/s3"; queue "github.com/aws/aws-sdk-go-v2/service/sqs"; "github.com/aws/aws-sdk-go-v2/service/s3/types"; "other/sns")
func f() {
	c.DeleteObject(ctx, &s3.DeleteObjectInput{})
	s3.NewListObjectsV2Paginator(c, nil)
	var in queue.PurgeQueueInput
	sns.PublishInput{}
	types.GetObjectInput{}
	c.DescribeTrails(ctx, nil)
	c.JSON(ctx, "kms", "Sign", "", in, &out)
}`
	got, err := callsOf("x.go", src)
	want := []string{"s3.DeleteObject", "s3.ListObjectsV2", "sqs.PurgeQueue", "give the input of DescribeTrails", "kms.Sign"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q %v", got, err)
	}
}

func TestPolicy(t *testing.T) {
	doc, err := Policy(func(on On) []string {
		return map[On][]string{Bucket: {"arn:b"}, AnyObject: {"arn:b/*"}}[on]
	}, Objects)
	want := `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "ReadObjectsOfBucket",
      "Effect": "Allow",
      "Action": [
        "s3:ListBucket"
      ],
      "Resource": [
        "arn:b"
      ]
    },
    {
      "Sid": "ReadObjectsOfObjects",
      "Effect": "Allow",
      "Action": [
        "s3:GetObject",
        "s3:GetObjectVersion"
      ],
      "Resource": [
        "arn:b/*"
      ]
    }
  ]
}`
	if err != nil || string(doc) != want {
		t.Errorf("%v\n%s", err, doc)
	}
}
