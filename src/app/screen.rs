//! What stands on the terminal: whole frames, and between them the header alone, for the seconds that change nothing else.

use jiff::Timestamp;
use ratatui::backend::Backend;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};
use ratatui::{Frame, Terminal};

pub struct Screen<B: Backend> {
    terminal: Terminal<B>,
    /// The last whole frame; nothing before the first.
    frame: Option<Drawn>,
}

struct Drawn {
    at: Timestamp,
    area: Rect,
    /// Its header, and what has been written over that since.
    header: Buffer,
    over: Option<Buffer>,
}

impl<B: Backend> Screen<B> {
    pub fn new(backend: B) -> Result<Self, B::Error> {
        Ok(Self { terminal: Terminal::new(backend)?, frame: None })
    }

    pub fn size(&self) -> Result<Size, B::Error> {
        self.terminal.size()
    }

    /// When the whole was drawn last, and where.
    pub fn drawn(&self) -> Option<(Timestamp, Rect)> {
        self.frame.as_ref().map(|frame| (frame.at, frame.area))
    }

    /// Draws the whole; its upper `header` rows are kept.
    pub fn draw(&mut self, now: Timestamp, header: u16, render: impl FnOnce(&mut Frame<'_>)) -> Result<(), B::Error> {
        self.put_back()?;
        let completed = self.terminal.draw(render)?;
        let area = completed.area;
        let header = top(completed.buffer, Rect { height: header.min(area.height), ..area });
        self.frame = Some(Drawn { at: now, area, header, over: None });
        Ok(())
    }

    /// Writes a new header over the one of the last frame.
    pub fn patch(&mut self, header: Buffer) -> Result<(), B::Error> {
        let Some(frame) = self.frame.as_mut().filter(|frame| frame.header.area == header.area) else { return Ok(()) };
        let backend = self.terminal.backend_mut();
        backend.draw(frame.over.as_ref().unwrap_or(&frame.header).diff(&header).into_iter())?;
        backend.flush()?;
        frame.over = Some(header);
        Ok(())
    }

    /// The terminal compares each frame with the one before, so what was written over that goes back first. Both reach the screen at once.
    fn put_back(&mut self) -> Result<(), B::Error> {
        let Some(frame) = &mut self.frame else { return Ok(()) };
        let Some(over) = frame.over.take() else { return Ok(()) };
        self.terminal.backend_mut().draw(over.diff(&frame.header).into_iter())
    }
}

fn top(buffer: &Buffer, area: Rect) -> Buffer {
    let cells = (area.top()..area.bottom()).flat_map(|y| (area.left()..area.right()).map(move |x| Position { x, y }));
    let content = cells.map(|place| buffer.cell(place).cloned().unwrap_or_default()).collect();
    Buffer { area, content }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::backend::TestBackend;

    /// A screen of three rows, the first two the header.
    fn screen(width: u16) -> Screen<TestBackend> {
        Screen::new(TestBackend::new(width, 3)).unwrap()
    }

    fn whole(screen: &mut Screen<TestBackend>, rows: [&str; 3]) {
        screen.draw(Timestamp::UNIX_EPOCH, 2, |frame| (0..).zip(rows).for_each(|(y, row)| set(frame.buffer_mut(), y, row))).unwrap();
    }

    fn header(screen: &mut Screen<TestBackend>, rows: [&str; 2]) {
        let (_, area) = screen.drawn().unwrap();
        let mut buffer = Buffer::empty(Rect { height: 2, ..area });
        (0..).zip(rows).for_each(|(y, row)| set(&mut buffer, y, row));
        screen.patch(buffer).unwrap();
    }

    fn set(buffer: &mut Buffer, y: u16, row: &str) {
        buffer.set_string(0, y, row, ratatui::style::Style::default());
    }

    #[test]
    fn a_patch_changes_the_header_and_nothing_else() {
        let mut screen = screen(6);
        whole(&mut screen, ["00:05", "one", "body"]);
        header(&mut screen, ["00:06", "one!"]);
        header(&mut screen, ["00:07", "one"]);
        screen.terminal.backend().assert_buffer_lines(["00:07 ", "one   ", "body  "]);
    }

    #[test]
    fn a_frame_after_patches_is_whole_again() {
        let mut screen = screen(6);
        whole(&mut screen, ["00:05", "one", "body"]);
        header(&mut screen, ["00:16", "two 字"]);
        // The same cells as in the frame before, not as in the patch.
        whole(&mut screen, ["00:05", "one", "next"]);
        screen.terminal.backend().assert_buffer_lines(["00:05 ", "one   ", "next  "]);
        header(&mut screen, ["00:06", "one"]);
        whole(&mut screen, ["00:06", "one", "next"]);
        screen.terminal.backend().assert_buffer_lines(["00:06 ", "one   ", "next  "]);
    }

    #[test]
    fn a_patch_for_another_size_is_not_written() {
        let mut screen = screen(6);
        whole(&mut screen, ["00:05", "one", "body"]);
        screen.patch(Buffer::with_lines(["99:99 more", "two"])).unwrap();
        screen.terminal.backend_mut().resize(8, 3);
        whole(&mut screen, ["00:06", "one", "body"]);
        screen.terminal.backend().assert_buffer_lines(["00:06   ", "one     ", "body    "]);
    }
}
