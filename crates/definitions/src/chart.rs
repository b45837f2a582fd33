//! How to draw an answer: the line `-- chart: bar x=service_name y=n_incidents top=10` in a query's header.

/// How an answer is drawn, beside its table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chart {
    /// The kind of drawing.
    pub kind: ChartKind,
    /// The column along x, or that of the names of bars.
    pub x: String,
    /// The columns that are measured.
    pub y: Vec<String>,
    /// A column whose values tell series apart.
    pub series: Option<String>,
    /// A column that tells apart what `x` or `series` calls by one name.
    pub apart: Option<String>,
    /// Columns drawn as dashed lines: a limit, a mean.
    pub limits: Vec<String>,
    /// Two columns with a pale band between them.
    pub band: Option<(String, String)>,
    /// A column with the share of a row and all before it, drawn beside bars.
    pub so_far: Option<String>,
    /// A column that is 1 where a place along x is marked by a shape.
    pub mark: Option<String>,
    /// Only rows whose column has one of these values.
    pub only: Vec<(String, Vec<String>)>,
    /// No rows whose column has one of these values.
    pub without: Vec<(String, Vec<String>)>,
    /// The most bars or series.
    pub top: Option<usize>,
}

/// The kinds of drawings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChartKind {
    /// None: the table says it.
    #[default]
    Table,
    /// A bar for each measure of a row.
    Bar,
    /// The measures of a row as parts of one bar.
    Stack,
    /// The same, as shares of their sum.
    Share,
    /// A line from the lowest to the highest of a row's measures, with a mark at each.
    Spread,
    /// Lines over x.
    Line,
    /// Columns over x, those of several measures on one another.
    Column,
    /// A cell for each x and series, coloured by the measure.
    Heatmap,
    /// Lanes over time, a circle for each row.
    Timeline,
}

/// The words for the kinds.
const KINDS: [(&str, ChartKind); 9] = [
    ("table", ChartKind::Table),
    ("bar", ChartKind::Bar),
    ("stack", ChartKind::Stack),
    ("share", ChartKind::Share),
    ("spread", ChartKind::Spread),
    ("line", ChartKind::Line),
    ("column", ChartKind::Column),
    ("heatmap", ChartKind::Heatmap),
    ("timeline", ChartKind::Timeline),
];

impl Chart {
    /// Reads the line; the error says what is wrong with it. Nothing is a table.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut words = words(text)?.into_iter();
        let Some(first) = words.next() else {
            return Ok(Self::default());
        };
        let known = || KINDS.map(|(name, _)| name).join(", ");
        let kind = KINDS.into_iter().find(|(name, _)| *name == first);
        let (_, kind) = kind.ok_or_else(|| {
            format!(
                "`{first}` is not a kind of chart: expected one of {}",
                known()
            )
        })?;
        let mut chart = Self {
            kind,
            ..Self::default()
        };
        for word in words {
            let (key, value) = word
                .split_once('=')
                .ok_or_else(|| format!("`{word}` says nothing: expected `x=column` or the like"))?;
            chart.take(key, value)?;
        }
        match (kind, chart.x.is_empty(), chart.y.is_empty()) {
            (ChartKind::Table, true, true) | (_, false, false) => {}
            (ChartKind::Table, ..) => return Err("a table has neither `x` nor `y`".to_owned()),
            (_, true, _) => return Err(format!("`{first}` needs `x=column`")),
            (_, _, true) => return Err(format!("`{first}` needs `y=column`")),
        }
        if matches!(kind, ChartKind::Heatmap | ChartKind::Timeline) && chart.series.is_none() {
            return Err(format!("`{first}` needs `series=column` for its rows"));
        }
        Ok(chart)
    }

    /// All columns that it names.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        let conditions = self
            .only
            .iter()
            .chain(&self.without)
            .map(|(column, _)| column);
        std::iter::once(&self.x)
            .chain(&self.y)
            .chain(&self.series)
            .chain(&self.apart)
            .chain(&self.limits)
            .chain(self.band.iter().flat_map(|(low, high)| [low, high]))
            .chain(&self.so_far)
            .chain(&self.mark)
            .chain(conditions)
            .map(String::as_str)
            .filter(|name| !name.is_empty())
    }

    fn take(&mut self, key: &str, value: &str) -> Result<(), String> {
        let list = || value.split(',').map(str::to_owned).collect::<Vec<_>>();
        match key {
            "x" => value.clone_into(&mut self.x),
            "y" => self.y = list(),
            "series" => self.series = Some(value.to_owned()),
            "apart" => self.apart = Some(value.to_owned()),
            "limits" => self.limits = list(),
            "band" => match value.split_once(',') {
                Some((low, high)) if !high.contains(',') => {
                    self.band = Some((low.to_owned(), high.to_owned()));
                }
                _ => {
                    return Err(format!(
                        "`band={value}` is not two columns: expected `band=low,high`"
                    ));
                }
            },
            "so_far" => self.so_far = Some(value.to_owned()),
            "mark" => self.mark = Some(value.to_owned()),
            "only" => self.only.push(condition(value)?),
            "without" => self.without.push(condition(value)?),
            "top" => match value.parse() {
                Ok(top) if top > 0 => self.top = Some(top),
                _ => return Err(format!("`top={value}` is not a number above 0")),
            },
            _ => {
                return Err(format!(
                    "`{key}` is not known of a chart: expected x, y, series, apart, limits, band, so_far, mark, only, without or top"
                ));
            }
        }
        Ok(())
    }
}

/// `column:value`, or several values parted by `|`.
fn condition(text: &str) -> Result<(String, Vec<String>), String> {
    let (column, values) = text
        .split_once(':')
        .ok_or_else(|| format!("`{text}` is no condition: expected `column:value`"))?;
    Ok((
        column.to_owned(),
        values.split('|').map(str::to_owned).collect(),
    ))
}

/// The words of a line; what stands in double quotes is one, or goes on with one.
fn words(text: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
    for letter in text.chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            ' ' if !is_quoted => {
                words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()))
            }
            other => word.push(other),
        }
    }
    if is_quoted {
        return Err("a `\"` is not closed".to_owned());
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_in_words() {
        let chart = Chart::parse(
            "line x=week y=a,b series=s apart=e limits=c band=l,h so_far=f mark=d only=\"scope:a b|c\" without=s:(all) top=8",
        )
        .unwrap();
        assert_eq!(
            (chart.kind, chart.x.as_str(), chart.y.as_slice()),
            (
                ChartKind::Line,
                "week",
                &["a".to_owned(), "b".to_owned()][..]
            )
        );
        assert_eq!(
            chart.only,
            [("scope".to_owned(), vec!["a b".to_owned(), "c".to_owned()])]
        );
        assert_eq!(chart.top, Some(8));
        let columns: Vec<&str> = chart.columns().collect();
        assert_eq!(
            columns,
            [
                "week", "a", "b", "s", "e", "c", "l", "h", "f", "d", "scope", "s"
            ]
        );
        assert_eq!(Chart::parse("").unwrap(), Chart::default());
        assert_eq!(Chart::parse("table").unwrap().kind, ChartKind::Table);
    }

    #[test]
    fn what_cannot_be_drawn_is_said() {
        for (text, message) in [
            ("pie x=a y=b", "`pie` is not a kind of chart"),
            ("bar y=b", "`bar` needs `x=column`"),
            ("line x=a", "`line` needs `y=column`"),
            ("table x=a", "a table has neither"),
            ("heatmap x=a y=b", "needs `series=column`"),
            ("bar x=a y=b colour=red", "`colour` is not known"),
            ("bar x=a y=b top=0", "`top=0` is not a number"),
            ("bar x=a y=b only=c", "`c` is no condition"),
            ("line x=a y=b band=c", "`band=c` is not two columns"),
            ("bar x=a y=b c", "`c` says nothing"),
            ("bar x=\"a y=b", "is not closed"),
        ] {
            let fault = Chart::parse(text).unwrap_err();
            assert!(fault.contains(message), "{text}: {fault}");
        }
    }
}
