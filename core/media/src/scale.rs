//! Pictures of any size and format become the output's: scaled to fill, cropped, 8-bit 4:2:0.

use ffmpeg_next::{self as ff, filter, format::Pixel, frame};

use crate::error::MediaError;

/// Output size in pixels; both even.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Size {
    /// The nearest even size, not larger than asked for, at least 2 × 2.
    pub(crate) fn even(width: u32, height: u32) -> Self {
        Self { width: (width & !1).max(2), height: (height & !1).max(2) }
    }
}

/// A filter graph rebuilt whenever the pictures change.
pub(crate) struct Scaler {
    to: Size,
    /// Tag and convert to BT.709, limited range; otherwise colours stay what they are.
    bt709: bool,
    graph: Option<(Shape, filter::Graph)>,
}

#[derive(PartialEq, Eq, Clone, Copy)]
struct Shape {
    width: u32,
    height: u32,
    format: Pixel,
    aspect: (i32, i32),
}

impl Scaler {
    pub(crate) fn new(to: Size, bt709: bool) -> Self {
        Self { to, bt709, graph: None }
    }

    /// The picture at the output's size; untouched when it already is.
    pub(crate) fn run(&mut self, picture: frame::Video) -> Result<frame::Video, MediaError> {
        let sar = picture.aspect_ratio();
        let square = sar.numerator() <= 0 || sar.numerator() == sar.denominator();
        let (width, height) = (picture.width(), picture.height());
        let fits = square && width == self.to.width && height == self.to.height;
        if fits && picture.format() == Pixel::YUV420P && !self.bt709 {
            return Ok(picture);
        }
        let aspect = if square { (1, 1) } else { (sar.numerator(), sar.denominator().max(1)) };
        let shape = Shape { width, height, format: picture.format(), aspect };
        let graph = match &mut self.graph {
            Some((known, graph)) if *known == shape => graph,
            slot => {
                let graph = build(shape, self.to, self.bt709).map_err(MediaError::av("scale the picture"))?;
                &mut slot.insert((shape, graph)).1
            }
        };
        pass(graph, &picture).map_err(MediaError::av("scale the picture"))
    }
}

/// Sends one picture through a graph that gives one for each.
pub(crate) fn pass(graph: &mut filter::Graph, picture: &frame::Video) -> Result<frame::Video, ff::Error> {
    let mut source = graph.get("in").ok_or(ff::Error::Bug)?;
    source.source().add(picture)?;
    let mut sink = graph.get("out").ok_or(ff::Error::Bug)?;
    let mut out = frame::Video::empty();
    sink.sink().frame(&mut out)?;
    Ok(out)
}

/// A graph from `in` to `out` with pictures of this size, format and time base going in.
pub(crate) fn picture_graph(
    size: (u32, u32),
    format: Pixel,
    aspect: (i32, i32),
    time_base: (i32, i32),
) -> Result<filter::Graph, ff::Error> {
    let mut graph = filter::Graph::new();
    let find = |name: &str| filter::find(name).ok_or(ff::Error::FilterNotFound);
    let name = format.descriptor().map(|d| d.name()).ok_or(ff::Error::InvalidData)?;
    let args = format!(
        "video_size={}x{}:pix_fmt={name}:time_base={}/{}:pixel_aspect={}/{}",
        size.0, size.1, time_base.0, time_base.1, aspect.0, aspect.1
    );
    graph.add(&find("buffer")?, "in", &args)?;
    graph.add(&find("buffersink")?, "out", "")?;
    Ok(graph)
}

fn build(shape: Shape, to: Size, bt709: bool) -> Result<filter::Graph, ff::Error> {
    let mut graph = picture_graph((shape.width, shape.height), shape.format, shape.aspect, (1, 1_000_000))?;
    let Size { width, height } = to;
    let colour = if bt709 { ":out_color_matrix=bt709:out_range=tv" } else { "" };
    // Squares first, so that the fill is right for pictures whose pixels are not square.
    let square = if shape.aspect == (1, 1) { "" } else { "scale=w=trunc(iw*sar/2)*2:h=ih,setsar=1," };
    let spec = format!(
        "{square}scale=w={width}:h={height}:force_original_aspect_ratio=increase:force_divisible_by=2:\
         flags=bicubic{colour},crop={width}:{height},setsar=1,format=yuv420p"
    );
    graph.output("in", 0)?.input("out", 0)?.parse(&spec)?;
    graph.validate()?;
    Ok(graph)
}
