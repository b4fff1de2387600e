package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/godwit-io/godwit/test/figures"
)

// Sizes of the trees of the data case; the are 100000 and 1024.
var (
	smallFiles = flag.Int("data-files", 20_000, "how many files of 4 KiB the data case copies")
	largeMiB   = flag.Int("data-mib", 256, "size of each of the four large files of the data case, in MiB")
	dataRounds = flag.Int("data-rounds", 3, "how often each copy of the data case is measured; the best counts")
)

// Bars of first copies, of the time that rsync takes through stunnel, and of the memory of a mover with all its processes.
const (
	barSmall       = 1.0
	barLarge       = 1.05
	barMoverMemory = 100 // MiB
)

// copier copies source to destination, and makes what it wrote last.
type copier interface {
	copy(ctx context.Context, source, destination string, large bool) (effort, error)
}

// effort is what a copy took.
type effort struct {
	elapsed, cpu time.Duration
	// memory is the greatest size of the processes at one end, in MiB.
	memory float64
}

// measureData compares `godwit mover` with rsync through stunnel: many small files and few large ones, at first, unchanged, and
// after one part in a hundred was changed.
func measureData(ctx context.Context) (results figures.Table, err error) {
	work, err := os.MkdirTemp("", "bench-data-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	baseline, stop, err := startStunnel(ctx, work)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	ours, err := newMovers(ctx, work)
	if err != nil {
		return nil, err
	}
	for _, tree := range []dataTree{
		{"small", barSmall, false, makeSmall, touchSmall},
		{"large", barLarge, true, makeLarge, touchLarge},
	} {
		found, err := tree.measure(ctx, work, ours, baseline)
		results = append(results, found...)
		if err != nil {
			return results, fmt.Errorf("%s files: %w", tree.name, err)
		}
	}
	return results, nil
}

// dataTree is one kind of tree.
type dataTree struct {
	name  string
	bar   float64
	large bool
	// fill makes it, and touch changes one part in a hundred, another one each round.
	fill  func(folder string) error
	touch func(folder string, round int) error
}

func (d dataTree) measure(ctx context.Context, work string, ours, baseline copier) (results figures.Table, err error) {
	source := filepath.Join(work, d.name)
	fmt.Printf("data-%s: making the files\n", d.name)
	if err := d.fill(source); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(source)) }()
	phases := []string{"first", "unchanged", "one-percent"}
	efforts := map[string]map[copier][]effort{}
	for round := range *dataRounds {
		order := []copier{ours, baseline}
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for i, phase := range phases {
			if i == 2 {
				if err := d.touch(source, round); err != nil {
					return nil, err
				}
			}
			for _, one := range order {
				e, err := one.copy(ctx, source, d.destination(work, one, ours, round), d.large)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", phase, err)
				}
				if efforts[phase] == nil {
					efforts[phase] = map[copier][]effort{}
				}
				efforts[phase][one] = append(efforts[phase][one], e)
			}
		}
		for _, one := range order {
			if err := os.RemoveAll(d.destination(work, one, ours, round)); err != nil {
				return nil, err
			}
		}
	}
	for _, phase := range phases {
		d.judge(&results, phase, efforts[phase][ours], efforts[phase][baseline])
	}
	return results, nil
}

func (d dataTree) destination(work string, one, ours copier, round int) string {
	name := "baseline"
	if one == ours {
		name = "ours"
	}
	return filepath.Join(work, fmt.Sprintf("%s-%s-%d", d.name, name, round))
}

// judge takes the best of each: what else ran on the machine can only have made it slower.
func (d dataTree) judge(results *figures.Table, phase string, ours, baseline []effort) {
	name := fmt.Sprintf("data-%s/%s", d.name, phase)
	a, b := best(ours), best(baseline)
	results.Show(name+"/mover", a.elapsed.Seconds(), "s")
	results.Show(name+"/rsync-stunnel", b.elapsed.Seconds(), "s")
	if ratio := a.elapsed.Seconds() / b.elapsed.Seconds(); phase == "first" {
		results.AtMost(name+"/time", ratio, "ratio", d.bar)
	} else {
		// Movers look through both trees twice more, for totals and for what changed meanwhile, and start more processes: seconds
		// for a hundred thousand files, which shows only where there is little to copy.
		results.Show(name+"/time", ratio, "ratio")
	}
	results.Show(name+"/cpu", a.cpu.Seconds()/b.cpu.Seconds(), "ratio")
	results.AtMost(name+"/peak-memory", a.memory, "MiB", barMoverMemory)
}

// best has the least time and processor time, and the most memory.
func best(efforts []effort) effort {
	found := efforts[0]
	for _, e := range efforts {
		found.elapsed, found.cpu = min(found.elapsed, e.elapsed), min(found.cpu, e.cpu)
		found.memory = max(found.memory, e.memory)
	}
	return found
}

const (
	smallSize  = 4 << 10
	inFolder   = 100 // Small files in a folder.
	largeFiles = 4
)

func smallFile(folder string, i int) string {
	return filepath.Join(folder, fmt.Sprint("d", i/inFolder/inFolder), fmt.Sprint("d", i/inFolder), fmt.Sprint("f", i))
}

func makeSmall(folder string) error {
	for i := range *smallFiles {
		if i%inFolder == 0 {
			if err := os.MkdirAll(filepath.Dir(smallFile(folder, i)), 0o755); err != nil {
				return err
			}
		}
		if err := writeRandom(smallFile(folder, i), smallSize); err != nil {
			return err
		}
	}
	return nil
}

func touchSmall(folder string, round int) error {
	for i := round; i < *smallFiles; i += 100 {
		if err := writeRandom(smallFile(folder, i), smallSize); err != nil {
			return err
		}
	}
	return nil
}

func makeLarge(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for i := range largeFiles {
		if err := writeRandom(filepath.Join(folder, fmt.Sprint("f", i)), int64(*largeMiB)<<20); err != nil {
			return err
		}
	}
	return nil
}

// touchLarge writes blocks of 4 KiB all over the files, as a database does.
func touchLarge(folder string, round int) error {
	const block = 4 << 10
	content := make([]byte, block)
	for i := range largeFiles {
		file, err := os.OpenFile(filepath.Join(folder, fmt.Sprint("f", i)), os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		for at := int64(round); at < int64(*largeMiB)<<20/block; at += 100 {
			_, _ = rand.Read(content)
			if _, err := file.WriteAt(content, at*block); err != nil {
				return errors.Join(err, file.Close())
			}
		}
		if err := file.Close(); err != nil {
			return err
		}
	}
	return nil
}

func writeRandom(path string, size int64) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.CopyN(file, rand.Reader, size)
	return errors.Join(err, file.Close())
}
