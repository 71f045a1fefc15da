//! What a page holds that can be proven: code blocks, tables, commands in running text, and what its comments set up.

/// A page, piece by piece.
pub(crate) struct Page {
    /// As findings name it.
    pub(crate) name: String,
    pub(crate) pieces: Vec<Piece>,
}

/// A piece, and the line on which it starts.
pub(crate) struct Piece {
    pub(crate) line: usize,
    pub(crate) what: What,
}

pub(crate) enum What {
    /// A fenced block, with what stands behind its fence.
    Block { info: String, text: String },
    /// The rows of a table below its head, and the mark before it.
    Table { mark: Option<String>, rows: Vec<Row> },
    /// A command in running text or in a cell.
    Mention(String),
    /// `<!-- files: ... -->`: what a reader would have done with an editor.
    Edit(String),
}

pub(crate) struct Row {
    pub(crate) line: usize,
    pub(crate) cells: Vec<String>,
}

const PROGRAMS: [&str; 3] = ["hallpass ", "hallpassd ", "hallpass-host "];

impl Page {
    pub(crate) fn read(name: &str, text: &str) -> Self {
        let mut reader = Reader::default();
        let mut lines = text.lines().enumerate().map(|(before, line)| (before + 1, line)).peekable();
        while let Some((at, line)) = lines.next() {
            // A block of a list is indented.
            let indent = &line[..line.len() - line.trim_start().len()];
            if let Some(info) = line.trim_start().strip_prefix("```") {
                let inside = lines.by_ref().map(|(_, line)| line.strip_prefix(indent).unwrap_or(line));
                let text = inside.take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
                reader.push(at, What::Block { info: info.trim().to_owned(), text });
            } else if let Some(edit) = line.strip_prefix("<!-- files: ") {
                let inside = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "-->");
                let text = std::iter::once(edit).chain(inside).collect::<Vec<_>>().join("\n");
                reader.push(at, What::Edit(text));
            } else if let Some(mark) = line.strip_prefix("<!-- table: ") {
                reader.mark = Some(mark.trim_end_matches("-->").trim().to_owned());
            } else if line.starts_with('|') {
                let mut rows = vec![(at, line)];
                while let Some(row) = lines.next_if(|(_, line)| line.starts_with('|')) {
                    rows.push(row);
                }
                reader.table(at, &rows);
            } else {
                reader.prose(at, line);
            }
        }
        reader.end_paragraph();
        Self { name: name.to_owned(), pieces: reader.pieces }
    }
}

#[derive(Default)]
struct Reader {
    pieces: Vec<Piece>,
    mark: Option<String>,
    paragraph: Option<(usize, String)>,
}

impl Reader {
    fn push(&mut self, line: usize, what: What) {
        self.end_paragraph();
        self.pieces.push(Piece { line, what });
    }

    fn prose(&mut self, at: usize, line: &str) {
        if line.trim().is_empty() {
            return self.end_paragraph();
        }
        let (_, paragraph) = self.paragraph.get_or_insert_with(|| (at, String::new()));
        *paragraph += line;
        paragraph.push(' ');
    }

    fn end_paragraph(&mut self) {
        if let Some((at, paragraph)) = self.paragraph.take() {
            self.mentions(at, &paragraph);
        }
    }

    fn table(&mut self, at: usize, lines: &[(usize, &str)]) {
        // The first two lines are the head and the dashes below it.
        let rows: Vec<Row> = lines.iter().skip(2).map(|(line, row)| Row { line: *line, cells: cells(row) }).collect();
        for (line, row) in lines {
            self.mentions(*line, row);
        }
        let mark = self.mark.take();
        self.push(at, What::Table { mark, rows });
    }

    fn mentions(&mut self, at: usize, text: &str) {
        let commands = code(text).into_iter().filter(|code| PROGRAMS.iter().any(|program| code.starts_with(program)));
        self.pieces.extend(commands.map(|command| Piece { line: at, what: What::Mention(command) }));
    }
}

fn cells(row: &str) -> Vec<String> {
    let inner = row.trim().trim_start_matches('|').trim_end_matches('|').replace(r"\|", "\u{0}");
    inner.split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect()
}

/// The code in a text, from backtick to backtick.
pub(crate) fn code(text: &str) -> Vec<String> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some(start) = rest.find('`') {
        let after = &rest[start..];
        let ticks = after.len() - after.trim_start_matches('`').len();
        let Some(end) = after[ticks..].find(&"`".repeat(ticks)) else { break };
        found.push(after[ticks..ticks + end].trim().to_owned());
        rest = &after[ticks + end + ticks..];
    }
    found
}
