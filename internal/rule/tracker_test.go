package rule

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseTracker(t *testing.T) {
	tests := map[string]struct {
		content string
		want    Tracker
		wantErr string
	}{
		"reads Stork's": {
			content: `{"taskID":"3f-9A","pods":[{"uid":"u","namespace":"ns"}],"container":"db"}`,
			want:    Tracker{TaskID: "3f-9A", Pods: []TrackedPod{{UID: "u", Namespace: "ns"}}, Container: "db"},
		},
		"refuses what is not JSON":                      {content: `3f`, wantErr: "is not the JSON of a tracker"},
		"refuses an empty annotation":                   {wantErr: "is not the JSON of a tracker"},
		"refuses a task ID that leaves the folder":      {content: `{"taskID":"../etc"}`, wantErr: `taskID "../etc" is not made of`},
		"refuses a task ID with a line break":           {content: `{"taskID":"a\n"}`, wantErr: "is not made of"},
		"refuses a task ID that is a pattern":           {content: `{"taskID":"*"}`, wantErr: "is not made of"},
		"refuses a missing task ID":                     {content: `{}`, wantErr: "is not made of"},
		"refuses a pod that cannot be told from others": {content: `{"taskID":"a","pods":[{"namespace":"ns"}]}`, wantErr: "no uid"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := ParseTracker(test.content)
			if test.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), test.wantErr) {
					t.Fatalf("got %v, want %s", err, test.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want,+got):\n%s", diff)
			}
		})
	}
}

func TestMarshalKeepsStorksKeys(t *testing.T) {
	got, err := Tracker{TaskID: "t", Pods: []TrackedPod{{UID: "u", Namespace: "ns", Container: "c"}}}.Marshal()
	want := `{"taskID":"t","pods":[{"uid":"u","namespace":"ns","container":"c"}],"container":""}`
	if err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func FuzzParseTracker(f *testing.F) {
	f.Add(`{"taskID":"a","pods":[{"uid":"u","namespace":"ns"}],"container":"db"}`)
	f.Add(`{"taskID":"$(reboot)"}`)
	f.Fuzz(func(t *testing.T, content string) {
		tracker, err := ParseTracker(content)
		if err != nil {
			return
		}
		if prefix := folderPrefix(tracker.TaskID); strings.ContainsAny(prefix[len("/tmp/"):], "/*?[$`'\" \n") {
			t.Errorf("harmful folder %q", prefix)
		}
		written, err := tracker.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseTracker(written)
		if err != nil || !cmp.Equal(tracker, again) {
			t.Errorf("%+v became %+v, %v", tracker, again, err)
		}
	})
}
